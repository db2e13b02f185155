import { isLacunaError, LacunaError } from "@lacuna/page";
import { HttpStatusError, retryAfterMs } from "./http-status-error.ts";
import type { LinkExchange } from "./link-meter.ts";
import type { Traffic } from "./traffic.ts";

const EXCERPT_BYTES = 4096;
const EXCERPT_CHARACTERS = 200;

/** An answer whose headers are here and whose body must be read or cancelled. Its signal must abort in the end. */
export class HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** Where the answer is from, without anything secret. */
  readonly url: string;
  readonly #signal: AbortSignal;
  readonly #traffic: Traffic;
  readonly #exchange: LinkExchange | undefined;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  /** Whether the chunks are nobody else's. */
  readonly #owns: boolean;

  constructor(
    response: Response,
    facts: { url: string; signal: AbortSignal; traffic: Traffic; exchange?: LinkExchange | undefined },
  ) {
    this.status = response.status;
    this.headers = response.headers;
    this.url = facts.url;
    this.#signal = facts.signal;
    this.#traffic = facts.traffic;
    this.#exchange = facts.exchange;
    this.#owns = isByteStream(response.body);
    this.#reader = response.body?.getReader();
    // Cancelling settles a pending read, also of a body that does not heed the signal itself.
    facts.signal.addEventListener("abort", () => this.cancel(), { once: true });
    if (facts.signal.aborted) this.cancel();
  }

  /** The value of a header, `undefined` where it is absent or empty. */
  header(name: string): string | undefined {
    return this.headers.get(name)?.trim() || undefined;
  }

  /** The media type without parameters, in small letters. */
  get mediaType(): string | undefined {
    return this.header("content-type")?.split(";")[0]?.trim().toLowerCase() || undefined;
  }

  /**
   * The body as it arrives. May be called again to read on; ending an iteration early cancels the body.
   * @throws {LacunaError} `NETWORK` if the connection breaks
   * @throws `signal.reason` of the request if aborted
   */
  async *chunks(): AsyncGenerator<Uint8Array, void, undefined> {
    let ended = false;
    try {
      for (;;) {
        const chunk = await this.nextChunk();
        if (chunk === undefined) break;
        yield chunk;
      }
      ended = true;
    } finally {
      if (!ended) this.cancel();
    }
  }

  /** The next bytes of the body, `undefined` at its end. Errors as for `chunks`. */
  async nextChunk(): Promise<Uint8Array | undefined> {
    const reader = this.#reader;
    if (reader === undefined) return undefined;
    const signal = this.#signal;
    signal.throwIfAborted();
    try {
      const { done, value } = await reader.read();
      signal.throwIfAborted();
      if (done) return undefined;
      this.#traffic.received(value.length);
      this.#exchange?.received(value.length);
      return value;
    } catch (cause) {
      if (signal.aborted) throw signal.reason;
      if (isLacunaError(cause)) throw cause;
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new LacunaError("NETWORK", `the connection broke in the body of an answer: ${why}`, {
        url: this.url,
        cause,
      });
    }
  }

  /** Frees a chunk that nobody looks at any more, rather than when it is next collected: those of one answer may be many. */
  free(chunk: Uint8Array): void {
    if (this.#owns) (chunk.buffer as ArrayBuffer).transfer?.(0);
  }

  /** Gives up what is left of the body. Harmless after its end. */
  cancel(): void {
    this.#reader?.cancel().catch(() => {});
  }

  /**
   * The beginning of the body as text, for a message or a short JSON answer. The rest is cancelled. A body that breaks
   * counts as one that ends: the status says enough.
   */
  async beginning(): Promise<string> {
    const decoder = new TextDecoder();
    let text = "";
    let bytes = 0;
    try {
      for await (const chunk of this.chunks()) {
        text += decoder.decode(chunk.subarray(0, EXCERPT_BYTES - bytes), { stream: true });
        bytes += chunk.length;
        if (bytes >= EXCERPT_BYTES) break;
      }
    } catch (error) {
      if (!isLacunaError(error, "NETWORK")) throw error;
    }
    return text + decoder.decode();
  }

  /**
   * The error for a status nobody has a better word for: `UNAUTHORIZED` for 401 and 403, else `HTTP_STATUS`.
   * @param text the beginning of the body
   */
  statusError(text: string): HttpStatusError {
    const { status, url } = this;
    const facts = { status, url, retryAfterMs: retryAfterMs(this.headers) };
    if (status === 401 || status === 403) {
      return new HttpStatusError(
        "UNAUTHORIZED",
        `${url} refused the credentials with ${status}${quote(text)}`,
        facts,
      );
    }
    return new HttpStatusError("HTTP_STATUS", `${url} answered ${status}${quote(text)}`, facts);
  }
}

/** Such a stream takes the memory of what is put into it away from whoever did. */
function isByteStream(body: ReadableStream<Uint8Array> | null): boolean {
  try {
    body?.getReader({ mode: "byob" }).releaseLock();
    return body !== null;
  } catch {
    return false;
  }
}

/** A piece of foreign text for the end of a message: one line, short, and absent if there is nothing to say. */
export function quote(text: string): string {
  const line = text.replace(/[\s\p{Cc}]+/gu, " ").trim();
  if (line === "") return "";
  return `: ${line.length > EXCERPT_CHARACTERS ? `${line.slice(0, EXCERPT_CHARACTERS)}…` : line}`;
}
