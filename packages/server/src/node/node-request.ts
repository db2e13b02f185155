import type { IncomingMessage } from "node:http";

/**
 * A request of Node's as a standard one. The body is read only as far as it is asked for.
 * @throws {TypeError} if it has no standard form: a broken host or header, or a method `Request` refuses
 */
export function standardRequest(incoming: IncomingMessage, signal: AbortSignal): Request {
  const { method = "GET", url = "/", headersDistinct } = incoming;
  const headers = new Headers();
  for (const [name, values] of Object.entries(headersDistinct)) {
    for (const value of values ?? []) headers.append(name, value);
  }
  const host = headers.get("host") ?? "localhost";
  // Joined as text: resolved as a reference, a path of two slashes would become a host.
  const target = url.startsWith("/") ? `http://${host}${url}` : url === "*" ? `http://${host}/` : url;
  const hasBody = method !== "GET" && method !== "HEAD";
  const init = hasBody ? { body: bodyOf(incoming), duplex: "half" } : {};
  return new Request(target, { method, headers, signal, ...init });
}

function bodyOf(incoming: IncomingMessage): ReadableStream<Uint8Array> {
  const chunks: AsyncIterator<Uint8Array> = incoming.iterator({ destroyOnReturn: false });
  return new ReadableStream(
    {
      async pull(controller) {
        const next = await chunks.next();
        if (next.done === true) controller.close();
        else controller.enqueue(next.value);
      },
      async cancel() {
        await chunks.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}
