import { Readable } from "node:stream";
import * as zlib from "node:zlib";
import { chunksOf } from "../chunk-source.ts";
import { chunkStream } from "../chunk-stream.ts";
import { directHandlerOf, handlerOf } from "../direct-handler.ts";
import type { Handler } from "../sync-handler.ts";

type Coding = "zstd" | "gzip";

/**
 * The same handler, its answers compressed where the client asks for a coding by name: `zstd` where the runtime has it, or
 * `gzip`. `*` is not a request for one, and other names, such as a media type, are passed over. Files and pages of the static
 * kind are left alone: ranges and caches need them as they are.
 */
export function withCompression(handler: Handler): Handler {
  const direct = directHandlerOf(handler);
  return handlerOf(async (request) => {
    const reply = await direct(request);
    const { body, status, headers } = reply;
    const type = String(headers["content-type"] ?? "");
    if (status !== 200 || body === null || !/^application\/(protobuf|json|x-ndjson)/.test(type)) return reply;
    const { vary, "content-length": _, ...described } = headers;
    const varied = vary === undefined ? "accept-encoding" : `${String(vary)}, accept-encoding`;
    const coding = wantedCoding(request.headers.get("accept-encoding"));
    if (coding === undefined) return { status, headers: { ...headers, vary: varied }, body };
    const plain = body instanceof Uint8Array ? new Response(body).body : chunkStream(body, request.signal);
    if (plain === null) return reply;
    const packed = chunksOf(compressed(plain, coding));
    return { status, headers: { ...described, vary: varied, "content-encoding": coding }, body: packed };
  });
}

function wantedCoding(header: string | null): Coding | undefined {
  const wanted = new Set<string>();
  for (const part of (header ?? "").toLowerCase().split(",")) {
    const [name = "", ...parameters] = part.split(";").map((piece) => piece.trim());
    if (!parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter))) wanted.add(name);
  }
  if (wanted.has("zstd") && typeof zlib.createZstdCompress === "function") return "zstd";
  return wanted.has("gzip") ? "gzip" : undefined;
}

function compressed(body: ReadableStream<Uint8Array>, coding: Coding): ReadableStream<Uint8Array> {
  // Each piece is let out as it comes: somebody waits for the first page, not for the last.
  const compressor =
    coding === "zstd"
      ? zlib.createZstdCompress({ flush: zlib.constants.ZSTD_e_flush })
      : zlib.createGzip({ level: 1, flush: zlib.constants.Z_SYNC_FLUSH });
  const source = Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0], { highWaterMark: 1 });
  source.on("error", (error) => compressor.destroy(error));
  compressor.on("close", () => source.destroy());
  source.pipe(compressor);
  return Readable.toWeb(compressor, { strategy: { highWaterMark: 0 } }) as ReadableStream<Uint8Array>;
}
