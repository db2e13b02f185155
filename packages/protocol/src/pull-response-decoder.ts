import { isPageSize, LacunaError, type PageIndex, pageAtIndex } from "@lacuna/page";
import { type DecodedHeader, decodeHeader, decodePage, type PullHeader } from "./pull-response.ts";

/** What came out of an answer. */
export type PullEvent =
  | { readonly kind: "header"; readonly header: PullHeader }
  | {
      readonly kind: "page";
      readonly index: PageIndex;
      /** The page; a view of a chunk that was pushed where it lay in one, so keep a copy to keep it alone. */
      readonly bytes: Uint8Array;
    };

export interface PullResponseDecoderOptions {
  /** Bytes every page must have. By default the first page decides, and the others must follow it. */
  readonly pageSize?: number | undefined;
}

const MAX_HEADER_BYTES = 65_536;
const MAX_PAGE_MESSAGE_BYTES = 65_536 + 64;

/**
 * Takes the body of an answer to `POST /pull-updates` in chunks of any sizes and gives its messages as soon as
 * they are complete: first the header, then pages. Chunks belong to the decoder once pushed. At most one message
 * is held. Whether the pages are those that were asked for is for the caller to check.
 *
 * Errors: `PROTOCOL` for malformed messages, wrong page lengths and pages outside the database, `NOT_SUPPORTED` for
 * forms of answer nobody asked for. After an error every further call throws it again.
 */
export class PullResponseDecoder {
  #header: DecodedHeader | undefined;
  #pageSize: number | undefined;
  #failure: unknown;
  /** The length in the making: value so far, and the weight of the next group (1: none read yet). */
  #length = 0;
  #scale = 1;
  /** The message in the making, when it did not lie in one chunk. */
  #message: Uint8Array | undefined;
  #filled = 0;

  constructor(options: PullResponseDecoderOptions = {}) {
    this.#pageSize = options.pageSize;
  }

  /** The header, once it has arrived. */
  get header(): PullHeader | undefined {
    return this.#header?.header;
  }

  /**
   * The messages that this chunk completes. Where good ones stand before a bad one they are returned, and the
   * next call throws.
   * @throws {LacunaError} `PROTOCOL` or `NOT_SUPPORTED`
   */
  push(chunk: Uint8Array): PullEvent[] {
    if (this.#failure !== undefined) throw this.#failure;
    const events: PullEvent[] = [];
    try {
      this.#take(chunk, events);
    } catch (error) {
      this.#failure = error;
      this.#message = undefined;
      if (events.length === 0) throw error;
    }
    return events;
  }

  /**
   * Says that the body has ended.
   * @throws {LacunaError} `SHORT_READ` if it ended inside a message, `PROTOCOL` if it was empty
   */
  end(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#message !== undefined) {
      const { length } = this.#message;
      throw new LacunaError(
        "SHORT_READ",
        `the answer ends after ${this.#filled} of a message's ${length} bytes`,
      );
    }
    if (this.#scale > 1)
      throw new LacunaError("SHORT_READ", "the answer ends inside the length of a message");
    if (this.#header === undefined)
      throw new LacunaError("PROTOCOL", "the answer is empty, a header was expected");
  }

  #take(chunk: Uint8Array, events: PullEvent[]): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#message !== undefined) {
        const part = chunk.subarray(at, at + this.#message.length - this.#filled);
        this.#message.set(part, this.#filled);
        this.#filled += part.length;
        at += part.length;
        if (this.#filled < this.#message.length) break;
        const message = this.#message;
        this.#message = undefined;
        events.push(this.#decode(message));
        continue;
      }
      const length = this.#takeLengthByte(chunk[at++] ?? 0);
      if (length === undefined) continue;
      if (chunk.length - at >= length) {
        events.push(this.#decode(chunk.subarray(at, at + length)));
        at += length;
      } else {
        this.#message = new Uint8Array(length);
        this.#filled = 0;
      }
    }
  }

  /** @returns the length once its last byte is in; each length is unsigned LEB128 of at most 9 bytes */
  #takeLengthByte(byte: number): number | undefined {
    this.#length += (byte & 0x7f) * this.#scale;
    this.#scale *= 128;
    const limit = this.#header === undefined ? MAX_HEADER_BYTES : MAX_PAGE_MESSAGE_BYTES;
    const more = byte >= 0x80;
    if (this.#length > limit || (more && this.#scale === 128 ** 9)) {
      throw new LacunaError("PROTOCOL", `a message of at most ${limit} bytes expected, found a longer one`);
    }
    if (more) return undefined;
    const length = this.#length;
    this.#length = 0;
    this.#scale = 1;
    return length;
  }

  #decode(message: Uint8Array): PullEvent {
    if (this.#header === undefined) {
      this.#header = decodeHeader(message);
      return { kind: "header", header: this.#header.header };
    }
    const { header, raw } = this.#header;
    if (!raw)
      throw new LacunaError("PROTOCOL", "a page follows a header that announces no encoding of pages");
    const { index, bytes } = decodePage(message);
    if (index >= header.pageCount) {
      throw new LacunaError("PROTOCOL", `a page of a database of ${header.pageCount} pages expected`, {
        page: pageAtIndex(index),
      });
    }
    const expected = this.#pageSize ?? (isPageSize(bytes.length) ? bytes.length : undefined);
    if (bytes.length !== expected) {
      const wanted = expected ?? "512 to 65536";
      throw new LacunaError("PROTOCOL", `${wanted} bytes expected, found ${bytes.length}`, {
        page: pageAtIndex(index),
      });
    }
    this.#pageSize = expected;
    return { kind: "page", index, bytes };
  }
}
