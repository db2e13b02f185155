import type { PageEntry } from "@lacuna/page";
import type { PageSplitter } from "./page-splitter.ts";

/** Bytes between two parts, at most. */
const MOST_HEAD_BYTES = 1024;

/** A range that was asked for together with others, and what takes its bytes. Byte offsets, both ends included. */
export interface Part {
  readonly first: number;
  readonly last: number;
  readonly splitter: PageSplitter;
}

/**
 * Cuts the body of an answer with several ranges into pages. RFC 9110, "Media Type multipart/byteranges". How long a part is,
 * its `Content-Range` tells: the bytes of pages are never searched for the boundary.
 */
export class PartSplitter {
  /** Whether something came that is none of the parts. */
  isLost = false;
  readonly #coming: Map<string, Part>;
  #splitter: PageSplitter | undefined;
  /** Of the part that is coming. */
  #missingBytes = 0;
  #head = "";
  #begun = 0;

  /** @param length bytes of the whole file */
  constructor(length: number, parts: readonly Part[]) {
    this.#coming = new Map(parts.map((part) => [`${part.first}-${part.last}/${length}`, part]));
  }

  /** How many parts have come whole, in whatever order; none if anything else came. */
  get whole(): number {
    return this.isLost ? 0 : this.#begun - (this.#missingBytes > 0 ? 1 : 0);
  }

  /** The pages that this chunk completes. */
  push(chunk: Uint8Array): PageEntry[] {
    const entries: PageEntry[] = [];
    for (let at = 0; at < chunk.length && !this.isLost; ) {
      const bytes = chunk.subarray(at, at + this.#missingBytes);
      entries.push(...(this.#splitter?.push(bytes) ?? []));
      this.#missingBytes -= bytes.length;
      at += bytes.length;
      if (at === chunk.length) break;
      this.#head += String.fromCharCode(chunk[at++] as number);
      if (this.#head.endsWith("\r\n\r\n")) this.#begin();
      if (this.#head.length > MOST_HEAD_BYTES) this.isLost = true;
    }
    return entries;
  }

  /** Begins a part, if these are the headers of one: a line may be left empty before the first boundary. */
  #begin(): void {
    const range = /\r\ncontent-range:\s*bytes\s+(\S+)/i.exec(this.#head)?.[1];
    if (range === undefined) return;
    const part = this.#coming.get(range);
    this.isLost = !this.#coming.delete(range);
    this.#splitter = part?.splitter;
    this.#missingBytes = part === undefined ? 0 : part.last - part.first + 1;
    this.#head = "";
    this.#begun++;
  }
}
