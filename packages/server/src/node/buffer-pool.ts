import type { Buffers } from "../buffers.ts";

/** Smaller ones cost less than to keep account of them. */
const POOLED_BYTES = 65_536;

/**
 * Memory that is used again. What `take` gives is not cleared: a fresh array costs more to fill with zeros than with pages, and
 * garbage of that size makes the process grow.
 */
export class BufferPool implements Buffers {
  readonly #keptBytes: number;
  readonly #lent = new WeakSet<ArrayBuffer>();
  #free: Uint8Array<ArrayBuffer>[] = [];
  #freeBytes = 0;

  /** @param keptBytes how much memory that nobody uses is kept */
  constructor(keptBytes: number) {
    this.#keptBytes = keptBytes;
  }

  /** Bytes that wait to be used again. */
  get freeBytes(): number {
    return this.#freeBytes;
  }

  take(bytes: number): Uint8Array<ArrayBuffer> {
    if (bytes < POOLED_BYTES) return Buffer.allocUnsafeSlow(bytes);
    const index = this.#free.findLastIndex(({ length }) => length >= bytes);
    const [free] = index < 0 ? [] : this.#free.splice(index, 1);
    // Answers of one kind want pieces of nearly one size: some room lets each use what the other left.
    const buffer = free ?? Buffer.allocUnsafeSlow(Math.ceil(bytes / POOLED_BYTES) * POOLED_BYTES);
    if (free !== undefined) this.#freeBytes -= free.length;
    this.#lent.add(buffer.buffer);
    return buffer.subarray(0, bytes);
  }

  give({ buffer }: Uint8Array): void {
    // Never twice: two answers would write into one memory.
    if (!(buffer instanceof ArrayBuffer) || !this.#lent.delete(buffer)) return;
    if (this.#freeBytes + buffer.byteLength > this.#keptBytes) return;
    this.#freeBytes += buffer.byteLength;
    this.#free.push(new Uint8Array(buffer));
  }
}
