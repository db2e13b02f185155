import { type ByteFile, closedError } from "@lacuna/page";

const CHUNK_BYTES = 65_536;

/** The bytes of a file in memory, in pieces, so that growing copies nothing. They outlive the handles on them. */
export class MemoryBytes {
  readonly #chunks: (Uint8Array | undefined)[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  read(into: Uint8Array, position: number): number {
    const length = Math.max(0, Math.min(into.byteLength, this.#size - position));
    for (let done = 0; done < length; ) {
      const { chunk, offset, count } = this.#piece(position + done, length - done);
      const found = this.#chunks[chunk];
      if (found === undefined) into.fill(0, done, done + count);
      else into.set(found.subarray(offset, offset + count), done);
      done += count;
    }
    return length;
  }

  write(bytes: Uint8Array, position: number): void {
    for (let done = 0; done < bytes.byteLength; ) {
      const { chunk, offset, count } = this.#piece(position + done, bytes.byteLength - done);
      let into = this.#chunks[chunk];
      if (into === undefined) {
        into = new Uint8Array(CHUNK_BYTES);
        this.#chunks[chunk] = into;
      }
      into.set(bytes.subarray(done, done + count), offset);
      done += count;
    }
    if (bytes.byteLength > 0) this.#size = Math.max(this.#size, position + bytes.byteLength);
  }

  truncate(size: number): void {
    if (size < this.#size) {
      this.#chunks.length = Math.ceil(size / CHUNK_BYTES);
      // What is cut off must read as zeros if the file grows again.
      this.#chunks[Math.floor(size / CHUNK_BYTES)]?.fill(0, size % CHUNK_BYTES);
    }
    this.#size = size;
  }

  #piece(position: number, wanted: number): { chunk: number; offset: number; count: number } {
    const offset = position % CHUNK_BYTES;
    return {
      chunk: Math.floor(position / CHUNK_BYTES),
      offset,
      count: Math.min(wanted, CHUNK_BYTES - offset),
    };
  }
}

/** A handle on bytes in memory. */
export class MemoryFile implements ByteFile {
  readonly #bytes: MemoryBytes;
  readonly #onClose: () => void;
  #closed = false;

  constructor(bytes: MemoryBytes, onClose: () => void) {
    this.#bytes = bytes;
    this.#onClose = onClose;
  }

  async size(): Promise<number> {
    return this.#open().size;
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    return this.#open().read(into, position);
  }

  readSync(into: Uint8Array, position: number): number {
    return this.#open().read(into, position);
  }

  async write(bytes: Uint8Array, position: number): Promise<void> {
    this.#open().write(bytes, position);
  }

  async truncate(size: number): Promise<void> {
    this.#open().truncate(size);
  }

  async sync(): Promise<void> {
    this.#open();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#onClose();
  }

  #open(): MemoryBytes {
    if (this.#closed) throw closedError("the file");
    return this.#bytes;
  }
}
