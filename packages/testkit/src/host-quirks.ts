import type { Host } from "./host.ts";
import { silent } from "./hostile-hosts.ts";

/** Answers `GET` in time, while `HEAD` hangs: behind some caches it is passed on to a store that is asleep. */
export const slowHead =
  (host: Host): Host =>
  (request) =>
    (request.method === "HEAD" ? silent() : host)(request);

/** Links that are good for a time: 403 for a `signature` in the query that is not, or no longer, good. */
export const signedLinks =
  (host: Host, isGood: (signature: string) => boolean): Host =>
  (request) => {
    const signature = new URL(request.url).searchParams.get("signature") ?? "";
    return isGood(signature) ? host(request) : new Response("Request has expired", { status: 403 });
  };

/** Gives its first answer to whatever is asked for at the same URL, as a cache does that looks at the URL alone. */
export function answeringFromCache(host: Host): Host {
  const kept = new Map<string, Promise<Response>>();
  return async (request) => {
    const answer = kept.get(request.url) ?? Promise.resolve(host(request));
    kept.set(request.url, answer);
    return (await answer).clone();
  };
}

export interface CrossOriginRules {
  /** Request headers that the host permits when a browser asks first, in small letters; none if it does not answer that. */
  readonly allowHeaders?: readonly string[] | undefined;
  /** Response headers that pages may see on top of those they always may. */
  readonly exposeHeaders?: readonly string[] | undefined;
}

/** Fetch Standard, "CORS-safelisted request-header", "forbidden request-header", "CORS-safelisted response-header name". */
const FREE_REQUEST_HEADERS = new Set(["accept", "accept-language", "content-language", "range"]);
const REMOVED_REQUEST_HEADERS = new Set(["accept-encoding", "content-length", "host", "origin"]);
const FREE_RESPONSE_HEADERS = new Set([
  "cache-control",
  "content-language",
  "content-length",
  "content-type",
  "expires",
  "last-modified",
  "pragma",
]);

/**
 * A host as a page of another origin meets it in a browser: request headers that need permission fail before they are sent
 * where the host does not give it, and response headers that it does not expose are not seen.
 */
export const acrossOrigins =
  (host: Host, { allowHeaders = [], exposeHeaders = [] }: CrossOriginRules = {}): Host =>
  async (request) => {
    const sent = [...request.headers.keys()].filter((name) => !REMOVED_REQUEST_HEADERS.has(name));
    const asked = sent.filter((name) => !FREE_REQUEST_HEADERS.has(name));
    const refused = asked.filter((name) => !allowHeaders.includes(name));
    if (refused.length > 0) throw new Error(`the host does not permit ${refused.join(", ")}`);
    const response = await host(request);
    const seen = new Set([...FREE_RESPONSE_HEADERS, ...exposeHeaders.map((name) => name.toLowerCase())]);
    const headers = new Headers([...response.headers].filter(([name]) => seen.has(name)));
    return new Response(response.body, { status: response.status, headers });
  };
