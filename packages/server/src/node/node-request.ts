import type { IncomingMessage, ServerResponse } from "node:http";
import { LacunaError } from "@lacuna/page";
import type { Asked } from "../asked.ts";
import type { Buffers } from "../buffers.ts";
import { bodyBrokeOff, bodyTooLong } from "../request-body.ts";

/** A request of Node's. */
export class NodeRequest implements Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: Asked["headers"];
  readonly buffers: Buffers;
  readonly #incoming: IncomingMessage;
  readonly #controller = new AbortController();
  #request: Request | undefined;

  /** @throws {TypeError} if it has no standard form: a broken host, or a method `Request` refuses */
  constructor(incoming: IncomingMessage, outgoing: ServerResponse, buffers: Buffers) {
    const { method = "GET", url = "/", headers } = incoming;
    const { host = "localhost" } = headers;
    // Joined as text: resolved as a reference, a path of two slashes would become a host.
    const target = url.startsWith("/") ? `http://${host}${url}` : url === "*" ? `http://${host}/` : url;
    if (!URL.canParse(target) || /^(connect|trace|track)$/i.test(method))
      throw new TypeError("no standard request");
    this.method = method;
    this.url = target;
    this.buffers = buffers;
    this.headers = { get: (name) => headerOf(incoming, name) };
    this.#incoming = incoming;
    outgoing.on("close", () => {
      if (!outgoing.writableFinished)
        this.#controller.abort(new LacunaError("NETWORK", "the client went away"));
    });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  readBody(maxBytes: number): Promise<Uint8Array> {
    const incoming = this.#incoming;
    if (Number(headerOf(incoming, "content-length") ?? 0) > maxBytes)
      return Promise.reject(bodyTooLong(maxBytes));
    return new Promise((resolve, reject) => {
      const parts: Uint8Array[] = [];
      let length = 0;
      const settle = (error?: unknown): void => {
        incoming.off("data", take).off("end", finish).off("close", fail).off("error", fail);
        if (error === undefined) resolve(parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts));
        else reject(error);
      };
      const take = (part: Uint8Array): void => {
        parts.push(part);
        length += part.length;
        if (length <= maxBytes) return;
        // The rest is passed over, so that the connection can be used again.
        incoming.resume();
        settle(bodyTooLong(maxBytes));
      };
      const finish = (): void => settle();
      const fail = (): void => settle(this.signal.aborted ? this.signal.reason : bodyBrokeOff());
      incoming.on("data", take).on("end", finish).on("close", fail).on("error", fail);
      if (incoming.destroyed || incoming.readableEnded) fail();
    });
  }

  request(): Request {
    this.#request ??= standardRequest(this.#incoming, this);
    return this.#request;
  }
}

function headerOf({ headers }: IncomingMessage, name: string): string | null {
  const value = headers[name.toLowerCase()];
  return value === undefined ? null : typeof value === "string" ? value : value.join(", ");
}

/** The body is read only as far as it is asked for. */
function standardRequest(incoming: IncomingMessage, { url, method, signal }: NodeRequest): Request {
  const headers = new Headers();
  for (const [name, values] of Object.entries(incoming.headersDistinct)) {
    for (const value of values ?? []) headers.append(name, value);
  }
  const hasBody = method !== "GET" && method !== "HEAD";
  const init = hasBody ? { body: bodyOf(incoming), duplex: "half" } : {};
  return new Request(url, { method, headers, signal, ...init });
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
