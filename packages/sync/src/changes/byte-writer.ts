const utf8 = new TextEncoder();

/** Bytes in the making. */
export class ByteWriter {
  readonly #parts: Uint8Array[] = [];
  #length = 0;

  byte(value: number): this {
    return this.#add(Uint8Array.of(value));
  }

  int64(value: bigint): this {
    const part = new Uint8Array(8);
    new DataView(part.buffer).setBigInt64(0, value);
    return this.#add(part);
  }

  float64(value: number): this {
    const part = new Uint8Array(8);
    new DataView(part.buffer).setFloat64(0, value);
    return this.#add(part);
  }

  /** A varint of SQLite's form. */
  count(value: number): this {
    const groups = [value % 128];
    for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128))
      groups.push((rest % 128) | 0x80);
    return this.#add(Uint8Array.from(groups.reverse()));
  }

  /** Bytes behind their length. They are not copied before `finish`. */
  bytes(value: Uint8Array): this {
    return this.count(value.length).#add(value);
  }

  text(value: string): this {
    return this.bytes(utf8.encode(value));
  }

  finish(): Uint8Array {
    const whole = new Uint8Array(this.#length);
    let at = 0;
    for (const part of this.#parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }

  #add(part: Uint8Array): this {
    this.#parts.push(part);
    this.#length += part.length;
    return this;
  }
}
