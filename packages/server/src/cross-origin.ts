import type { Reply } from "./reply.ts";

/** What lets pages of other origins use the server. */
export function crossOriginHeaders(origin: string): Record<string, string> {
  return {
    "access-control-allow-origin": origin,
    "access-control-expose-headers":
      "accept-ranges, content-length, content-range, etag, last-modified, retry-after, www-authenticate",
    "cross-origin-resource-policy": "cross-origin",
    ...(origin === "*" ? {} : { vary: "origin" }),
  };
}

/** The answer to a preflight request. */
export function preflightAnswer(): Reply {
  return {
    status: 204,
    headers: {
      "access-control-allow-methods": "GET, HEAD, POST, OPTIONS",
      "access-control-allow-headers":
        "authorization, content-type, if-match, if-none-match, if-range, range, x-turso-encryption-key, x-turso-encryption-cipher",
      "access-control-max-age": "86400",
    },
    body: null,
  };
}
