import type { PageNo } from "@lacuna/page";
import { xxhash32 } from "./xxhash32.ts";

/** Bytes a page's checksum takes in `PATH-info`. */
export const CHECKSUM_BYTES = 4;
/** The checksum of a page that is not there. */
export const ABSENT = 0;

const CHUNK_PAGES = 16_384;

/** The checksum of each page, as `PATH-info` has them. Chunks of 64 KiB, made where there is something. */
export class ChecksumTable {
  readonly #chunks = new Map<number, Uint32Array>();

  get(page: PageNo): number {
    return this.#chunks.get(Math.floor(page / CHUNK_PAGES))?.[page % CHUNK_PAGES] ?? ABSENT;
  }

  set(page: PageNo, checksum: number): void {
    const key = Math.floor(page / CHUNK_PAGES);
    let chunk = this.#chunks.get(key);
    if (chunk === undefined) {
      if (checksum === ABSENT) return;
      chunk = new Uint32Array(CHUNK_PAGES);
      this.#chunks.set(key, chunk);
    }
    chunk[page % CHUNK_PAGES] = checksum;
  }

  /** The pages that have one, in no particular order. */
  *pages(): Generator<PageNo, void, undefined> {
    for (const [key, chunk] of this.#chunks) {
      for (let at = 0; at < CHUNK_PAGES; at++) {
        if (chunk[at] !== ABSENT) yield (key * CHUNK_PAGES + at) as PageNo;
      }
    }
  }

  clear(): void {
    this.#chunks.clear();
  }

  /** The checksums from `first` to `last` as the file has them: 32 bits each, little-endian. */
  encode(first: PageNo, last: PageNo): Uint8Array {
    const bytes = new Uint8Array((last - first + 1) * CHECKSUM_BYTES);
    const view = new DataView(bytes.buffer);
    for (let page: number = first; page <= last; page++) {
      view.setUint32((page - first) * CHECKSUM_BYTES, this.get(page as PageNo), true);
    }
    return bytes;
  }
}

/**
 * The checksum of a page that is there: never `ABSENT`. It depends on the epoch and on the page number, so that
 * neither bytes of before a reset nor bytes of another page pass.
 */
export function pageChecksum(bytes: Uint8Array, page: PageNo, epoch: number): number {
  const checksum = xxhash32(bytes, epoch + Math.imul(page, 0x9e3779b1));
  return checksum === ABSENT ? 1 : checksum;
}
