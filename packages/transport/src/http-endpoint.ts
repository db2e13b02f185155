import { closedError, isLacunaError, LacunaError } from "@lacuna/page";
import { AbortScope, untilAborted } from "./abort-scope.ts";
import { HttpAnswer } from "./http-answer.ts";
import { inBrowser } from "./in-browser.ts";
import { LinkMeter } from "./link-meter.ts";
import { httpUrl, type PerRequest, perRequest, publicUrl } from "./remote-url.ts";
import { Traffic } from "./traffic.ts";

/** How to reach a remote over HTTP. */
export interface HttpOptions {
  /**
   * Where the remote is. A function is called and awaited before each request; when it gives `null`, `undefined` or an
   * empty string, the remote is paused and the request fails with `OFFLINE`.
   */
  readonly url: PerRequest<string | URL | null | undefined>;
  /** Sent as `Authorization: Bearer`. A function is called and awaited before each request. */
  readonly authToken?: PerRequest<string | null | undefined>;
  /** Sent with each request. A function is called and awaited before each request. */
  readonly headers?: PerRequest<HeadersInit | undefined>;
  /** @default the runtime's `fetch` */
  readonly fetch?: typeof fetch | undefined;
  /**
   * Milliseconds on a clock that never goes back, by which the link is measured.
   * @default performance.now
   */
  readonly now?: (() => number) | undefined;
}

/** One request. */
export interface HttpRequest {
  readonly method: "GET" | "POST";
  /** Those that make the request what it is; they win over those of the options. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array<ArrayBuffer> | undefined;
  /**
   * Makes the URL to ask from the one of the options.
   * @default the one given to the endpoint
   */
  readonly target?: ((base: URL) => URL) | undefined;
  /** Tells a browser which of several requests to send first. */
  readonly urgency: "demand" | "prefetch";
  readonly signal: AbortSignal;
}

/** Where requests go to, and what they have cost. */
export class HttpEndpoint {
  readonly traffic: Traffic = new Traffic();
  readonly link: LinkMeter;
  /** What answered last; `server` is the header of that name. */
  lastHost: { readonly origin: string; readonly server: string } | undefined;
  readonly #closing = new AbortController();
  readonly #options: HttpOptions;
  readonly #target: (base: URL) => URL;
  readonly #what: string;

  /**
   * @param target makes the URL to ask from the one that was given
   * @param what names the owner in the error after `close`
   * @throws {LacunaError} `INVALID_OPTION` if a fixed URL is none
   */
  constructor(options: HttpOptions, what: string, target: (base: URL) => URL = (base) => base) {
    if (typeof options.url !== "function") httpUrl(options.url ?? "");
    this.#options = options;
    this.link = new LinkMeter(options.now ?? (() => performance.now()));
    this.#target = target;
    this.#what = what;
  }

  /** A lifetime that ends with the signal or with the endpoint. End it when the operation is over. */
  scope(signal: AbortSignal | undefined): AbortScope {
    return new AbortScope(signal, this.#closing.signal);
  }

  /** Cancels everything under way. */
  close(): void {
    this.#closing.abort(closedError(this.#what));
  }

  /**
   * Sends a request and waits for the headers of the answer, whatever its status. The body must be read or cancelled.
   * @throws {LacunaError} `NETWORK` if there is no answer, `OFFLINE` while the remote is paused, `INVALID_OPTION` if a
   *   function gave something that is no URL, or no header that HTTP can send
   * @throws `signal.reason` if aborted, and what the functions among the options throw
   */
  async send(request: HttpRequest): Promise<HttpAnswer> {
    const { method, body, urgency, signal } = request;
    signal.throwIfAborted();
    const { url, headers } = await untilAborted(this.#resolve(request), signal);
    signal.throwIfAborted();
    this.traffic.sent(body?.length ?? 0);
    const exchange = this.link.begin();
    const fetching = this.#fetch(url.href, {
      method,
      headers,
      signal,
      // Pages are kept by Lacuna; another copy in the browser's cache would be of an unknown revision.
      ...(inBrowser() ? { cache: "no-store", priority: urgency === "demand" ? "high" : "low" } : {}),
      // As a Blob, since the fetch of Node 22 cannot send bytes again when it is redirected.
      ...(body === undefined ? {} : { body: new Blob([body]) }),
    });
    const where = publicUrl(url);
    try {
      const response = await untilAborted(fetching, signal, (late) => {
        late.body?.cancel().catch(() => {});
      });
      exchange.answered();
      this.lastHost = { origin: url.origin, server: response.headers.get("server") ?? "" };
      return new HttpAnswer(response, { url: where, signal, traffic: this.traffic, exchange });
    } catch (cause) {
      if (signal.aborted) throw signal.reason;
      if (isLacunaError(cause)) throw cause;
      throw new LacunaError("NETWORK", `${method} ${where} got no answer: ${reasonOf(cause)}`, {
        url: where,
        cause,
      });
    }
  }

  /** In a promise even if the function throws at once. */
  async #fetch(url: string, init: RequestInit): Promise<Response> {
    const { fetch = globalThis.fetch } = this.#options;
    return fetch(url, init);
  }

  async #resolve(request: HttpRequest): Promise<{ url: URL; headers: Headers }> {
    const base = await perRequest(this.#options.url);
    if (base === null || base === undefined || base === "") {
      throw new LacunaError("OFFLINE", "the URL is empty: the remote is paused");
    }
    const given = await perRequest(this.#options.headers);
    const token = await perRequest(this.#options.authToken);
    const headers = headersOf(given, request.headers, token || undefined);
    const { target = this.#target } = request;
    return { url: target(httpUrl(base)), headers };
  }
}

function headersOf(
  given: HeadersInit | undefined,
  own: HttpRequest["headers"],
  token: string | undefined,
): Headers {
  try {
    const headers = new Headers(given);
    for (const [name, value] of Object.entries(own)) headers.set(name, value);
    if (token !== undefined) headers.set("authorization", `Bearer ${token}`);
    return headers;
  } catch {
    // The cause is left out: it would show the token.
    throw new LacunaError("INVALID_OPTION", "authToken and headers must be what HTTP can send, in one line");
  }
}

/** What `fetch` says is often only "fetch failed"; the cause below it says why. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const below = error.cause instanceof Error ? `: ${error.cause.message}` : "";
  return error.message + below;
}
