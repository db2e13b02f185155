import { LacunaError } from "@lacuna/page";

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A read position in bytes that may be anything. Everything it gives was checked to be there. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #what: string;
  #at = 0;

  /** @param what names the bytes in errors */
  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#what = what;
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  byte(): number {
    return this.#bytes[this.skip(1)] as number;
  }

  /** An integer of 64 bits with a sign, big-endian. */
  int64(): bigint {
    return this.#view.getBigInt64(this.skip(8));
  }

  float64(): number {
    return this.#view.getFloat64(this.skip(8));
  }

  /** A varint of SQLite's form, of at most 2^53 - 1. */
  count(): number {
    let value = 0;
    for (let i = 0; i < 8; i++) {
      const byte = this.byte();
      value = value * 128 + (byte & 0x7f);
      if (value > Number.MAX_SAFE_INTEGER) break;
      if (byte < 0x80) return value;
    }
    throw this.error("a count is too large");
  }

  /** A view of the next bytes. */
  take(length: number): Uint8Array {
    const at = this.skip(length);
    return this.#bytes.subarray(at, at + length);
  }

  text(length: number): string {
    const at = this.#at;
    try {
      return strictUtf8.decode(this.take(length));
    } catch (cause) {
      if (cause instanceof LacunaError) throw cause;
      this.#at = at;
      throw this.error("text is not UTF-8", cause);
    }
  }

  /** Text up to a NUL, which is passed over. */
  textToNul(): string {
    const end = this.#bytes.indexOf(0, this.#at);
    if (end < 0) throw this.error("a name without end");
    const text = this.text(end - this.#at);
    this.#at = end + 1;
    return text;
  }

  error(what: string, cause?: unknown): LacunaError {
    return new LacunaError("REPLICA_CORRUPT", `${this.#what}: ${what} at byte ${this.#at}`, {
      offset: this.#at,
      cause,
    });
  }

  /** Passes over bytes. @returns where they are */
  skip(length: number): number {
    const at = this.#at;
    if (length > this.#bytes.length - at)
      throw this.error(`${length} bytes expected, ${this.#bytes.length - at} left`);
    this.#at = at + length;
    return at;
  }
}
