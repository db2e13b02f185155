import { Readable } from "node:stream";
import * as zlib from "node:zlib";
import type { Handler } from "../sync-handler.ts";

type Coding = "zstd" | "gzip";

/**
 * The same handler, its answers compressed where the client asks for a coding by name: `zstd` where the runtime has it, or
 * `gzip`. `*` is not a request for one, and other names, such as a media type, are passed over. Files and pages of the static
 * kind are left alone: ranges and caches need them as they are.
 */
export function withCompression(handler: Handler): Handler {
  return async (request) => {
    const response = await handler(request);
    const type = response.headers.get("content-type") ?? "";
    const { body, status, headers } = response;
    if (status !== 200 || body === null || !/^application\/(protobuf|json|x-ndjson)/.test(type))
      return response;
    headers.append("vary", "accept-encoding");
    const coding = wantedCoding(request.headers.get("accept-encoding"));
    if (coding === undefined) return response;
    headers.delete("content-length");
    headers.set("content-encoding", coding);
    return new Response(compressed(body, coding), { status, headers });
  };
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
