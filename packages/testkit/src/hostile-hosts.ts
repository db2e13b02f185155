import { bodyOf, type Host } from "./host.ts";

/** Answers every request with the same status, body and headers. */
export function answering(
  status: number,
  body: string | Uint8Array<ArrayBuffer> | null = null,
  headers: Readonly<Record<string, string>> = {},
): Host {
  return () => new Response(body, { status, headers });
}

/** A login page, or the front page of an application, instead of what was asked for. */
export const webPage = (): Host =>
  answering(200, "<!doctype html><title>Sign in</title>", { "content-type": "text/html; charset=utf-8" });

/** Never answers. */
export const silent = (): Host => () => new Promise(() => {});

/** Cannot be reached. */
export const unreachable = (): Host => () => Promise.reject(new Error("connection refused"));

/** Sends the whole file, whatever range was asked for. */
export const ignoringRanges =
  (host: Host): Host =>
  (request) => {
    const headers = new Headers(request.headers);
    headers.delete("range");
    return host(new Request(request.url, { method: request.method, headers }));
  };

/** The same answers with other headers: `null` takes one away. */
export const withHeaders =
  (host: Host, change: Readonly<Record<string, string | null>>): Host =>
  async (request) => {
    const response = await host(request);
    const headers = new Headers(response.headers);
    for (const [name, value] of Object.entries(change)) {
      if (value === null) headers.delete(name);
      else headers.set(name, value);
    }
    return new Response(response.body, { status: response.status, headers });
  };

/** Says that every body is compressed. */
export const compressing = (host: Host): Host => withHeaders(host, { "content-encoding": "gzip" });

/** Another `ETag` in each answer, as behind a balancer whose machines do not agree. */
export function changingEtag(host: Host): Host {
  let answers = 0;
  return (request) => {
    const headers = new Headers(request.headers);
    headers.delete("if-match");
    const lenient = new Request(request.url, { method: request.method, headers });
    return withHeaders(host, { etag: `"${++answers}"` })(lenient);
  };
}

/** Only a weak `ETag`, as behind a proxy that transforms bodies. */
export const weakEtag = (host: Host, tag = 'W/"1"'): Host => withHeaders(host, { etag: tag });

/** Sends another range than the one it was asked for, and says so. */
export const shiftingRanges =
  (host: Host, byBytes: number): Host =>
  (request) => {
    const headers = new Headers(request.headers);
    const range = /^bytes=(\d+)-(\d+)$/.exec(headers.get("range") ?? "");
    if (range !== null)
      headers.set("range", `bytes=${Number(range[1]) + byBytes}-${Number(range[2]) + byBytes}`);
    return host(new Request(request.url, { method: request.method, headers }));
  };

/** Another body under the same headers. */
function withBody(host: Host, change: (bytes: Uint8Array) => ReadableStream<Uint8Array<ArrayBuffer>>): Host {
  return async (request) => {
    const response = await host(request);
    const { headers } = response;
    const bytes = new Uint8Array(await response.arrayBuffer());
    return new Response(change(bytes), { status: response.status, headers });
  };
}

/** Does not say how long a body is, as proxies that recode them; `fetch` itself notices one that contradicts its length. */
export const withoutLength = (host: Host): Host => withHeaders(host, { "content-length": null });

/** The body ends after so many bytes, as if it were whole. */
export const cutting = (host: Host, afterBytes: number): Host =>
  withBody(withoutLength(host), (bytes) => bodyOf(bytes.subarray(0, afterBytes)));

/** The body has more bytes than it should. */
export const padding = (host: Host, extraBytes: number): Host =>
  withBody(withoutLength(host), (bytes) => {
    const longer = new Uint8Array(bytes.length + extraBytes);
    longer.set(bytes);
    return bodyOf(longer);
  });

/** The connection breaks after so many bytes of the body. */
export const breaking = (host: Host, afterBytes: number): Host =>
  withBody(host, (bytes) => thenNever(bytes.subarray(0, afterBytes), new TypeError("terminated")));

/** After so many bytes of the body nothing comes any more, and the connection stays open. */
export const stalling = (host: Host, afterBytes: number): Host =>
  withBody(host, (bytes) => thenNever(bytes.subarray(0, afterBytes), undefined));

/** The body comes in small pieces. */
export const dripping = (host: Host, chunkBytes: number): Host =>
  withBody(host, (bytes) => bodyOf(bytes, chunkBytes));

/** The hosts answer one request each, in their order; the last one answers all that follow. */
export function inTurn(...hosts: readonly [Host, ...Host[]]): Host {
  let answered = 0;
  return (request) => {
    const host = hosts[Math.min(answered++, hosts.length - 1)] ?? hosts[0];
    return host(request);
  };
}

/** The bytes, then the error, or silence where there is none. */
function thenNever(bytes: Uint8Array, error: Error | undefined): ReadableStream<Uint8Array<ArrayBuffer>> {
  let sent = false;
  return new ReadableStream(
    {
      pull(controller) {
        if (!sent && bytes.length > 0) {
          sent = true;
          controller.enqueue(new Uint8Array(bytes));
        } else if (error !== undefined) controller.error(error);
        else return new Promise(() => {});
        return undefined;
      },
    },
    { highWaterMark: 0 },
  );
}
