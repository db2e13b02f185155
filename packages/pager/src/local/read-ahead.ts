import type { ByteFile } from "@lacuna/page";

const CHUNK_BYTES = 1 << 18;

/** Reads a file mostly from its beginning to its end, in large pieces. The file must not change meanwhile. */
export class ReadAhead {
  readonly #file: ByteFile;
  #chunk: Uint8Array = new Uint8Array();
  #start = 0;

  constructor(file: ByteFile) {
    this.#file = file;
  }

  /**
   * The bytes from `position` on, fewer only at the end of the file.
   * @returns a view that is valid until the next call
   */
  async at(position: number, length: number): Promise<Uint8Array> {
    const offset = position - this.#start;
    if (offset < 0 || offset + length > this.#chunk.byteLength) {
      const buffer = new Uint8Array(Math.max(length, CHUNK_BYTES));
      this.#chunk = buffer.subarray(0, await this.#file.read(buffer, position));
      this.#start = position;
      return this.#chunk.subarray(0, length);
    }
    return this.#chunk.subarray(offset, offset + length);
  }
}
