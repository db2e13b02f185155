import { type ChunkSource, chunksOf } from "./chunk-source.ts";
import { chunkStream } from "./chunk-stream.ts";

/** An answer before it is a `Response`. */
export interface Reply {
  readonly status: number;
  /** By name in lower case. Only `set-cookie` may have several values. */
  readonly headers: Record<string, string | string[]>;
  /** Whole, piece by piece, or absent. It belongs to whoever is given the reply, and must be sent or closed. */
  readonly body: Uint8Array<ArrayBuffer> | ChunkSource | null;
}

/** The reply as a standard response. */
export function responseOf({ status, headers, body }: Reply, signal: AbortSignal): Response {
  const pairs = Object.entries(headers).flatMap(([name, values]) =>
    typeof values === "string"
      ? [[name, values] as [string, string]]
      : values.map((value): [string, string] => [name, value]),
  );
  const sent = body === null || body instanceof Uint8Array ? body : chunkStream(body, signal);
  return new Response(sent, { status, headers: pairs });
}

/** A standard response as a reply. */
export function replyOf(response: Response): Reply {
  const headers: Record<string, string | string[]> = Object.fromEntries(response.headers);
  const cookies = response.headers.getSetCookie();
  if (cookies.length > 0) headers["set-cookie"] = cookies;
  return { status: response.status, headers, body: response.body === null ? null : chunksOf(response.body) };
}

/** The reply to `HEAD`. */
export async function withoutBody(reply: Reply): Promise<Reply> {
  if (reply.body !== null && !(reply.body instanceof Uint8Array)) await reply.body.close();
  return { ...reply, body: null };
}
