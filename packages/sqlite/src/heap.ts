const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** The memory of one instance, through views that are renewed when it grows. Pointers are byte offsets. */
export class Heap {
  readonly memory: WebAssembly.Memory;
  #bytes: Uint8Array<ArrayBuffer>;
  #words: Int32Array<ArrayBuffer>;
  #doubles: Float64Array<ArrayBuffer>;

  constructor(memory: WebAssembly.Memory) {
    this.memory = memory;
    const buffer = memory.buffer as ArrayBuffer;
    this.#bytes = new Uint8Array(buffer);
    this.#words = new Int32Array(buffer);
    this.#doubles = new Float64Array(buffer);
  }

  /** Valid until the next call into SQLite: growing the memory detaches it. */
  get bytes(): Uint8Array<ArrayBuffer> {
    if (this.#bytes.byteLength === 0) this.#renew();
    return this.#bytes;
  }

  /** The same memory as 32-bit integers: index it with a pointer divided by 4. */
  get words(): Int32Array<ArrayBuffer> {
    if (this.#words.byteLength === 0) this.#renew();
    return this.#words;
  }

  /** The same memory as doubles: index it with a pointer divided by 8. */
  get doubles(): Float64Array<ArrayBuffer> {
    if (this.#doubles.byteLength === 0) this.#renew();
    return this.#doubles;
  }

  setInt32(pointer: number, value: number): void {
    this.words[pointer >>> 2] = value;
  }

  /** An address or size: unsigned. */
  getPointer(pointer: number): number {
    return (this.words[pointer >>> 2] as number) >>> 0;
  }

  setInt64(pointer: number, value: bigint): void {
    new DataView(this.memory.buffer).setBigInt64(pointer, value, true);
  }

  /** A text that ends with a zero byte; `undefined` for a null pointer. */
  cString(pointer: number): string | undefined {
    if (pointer === 0) return undefined;
    const start = pointer >>> 0;
    return decoder.decode(this.bytes.subarray(start, this.bytes.indexOf(0, start)));
  }

  /**
   * Writes a text as UTF-8.
   * @returns its length in bytes, or `undefined` if `capacity` bytes do not hold all of it
   */
  writeText(text: string, pointer: number, capacity: number): number | undefined {
    const { read, written } = encoder.encodeInto(text, this.bytes.subarray(pointer, pointer + capacity));
    return read === text.length ? written : undefined;
  }

  /** @returns whether the memory has at least `bytes` now */
  grow(bytes: number): boolean {
    const missing = bytes - this.memory.buffer.byteLength;
    if (missing <= 0) return true;
    try {
      this.memory.grow(Math.ceil(missing / 65536));
      this.#renew();
      return true;
    } catch {
      return false;
    }
  }

  #renew(): void {
    const buffer = this.memory.buffer as ArrayBuffer;
    this.#bytes = new Uint8Array(buffer);
    this.#words = new Int32Array(buffer);
    this.#doubles = new Float64Array(buffer);
  }
}
