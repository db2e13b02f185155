import { type PageEntry, type PageRange, pageNo } from "@lacuna/page";

/** Cuts a run of bytes that starts at a page boundary into pages, and drops those nobody takes. */
export class PageSplitter {
  readonly #pageSize: number;
  readonly #wanted: readonly PageRange[];
  #rangeIndex = 0;
  #page: number;
  #partial: Uint8Array | undefined;
  #filled = 0;

  /**
   * @param first the page whose first byte comes first
   * @param wanted ascending, apart from each other, none before `first`
   */
  constructor(options: { first: number; pageSize: number; wanted: readonly PageRange[] }) {
    this.#page = options.first;
    this.#pageSize = options.pageSize;
    this.#wanted = options.wanted;
  }

  /** The wanted pages that this chunk completes. A page that lies in one chunk is a view of it. */
  push(chunk: Uint8Array): PageEntry[] {
    const entries: PageEntry[] = [];
    let at = 0;
    while (at < chunk.length) {
      const needed = this.#pageSize - this.#filled;
      const part = chunk.subarray(at, at + needed);
      at += part.length;
      if (!this.#isWanted()) this.#filled += part.length;
      else if (part.length === this.#pageSize) {
        this.#filled = part.length;
        this.#partial = part;
      } else {
        this.#partial ??= new Uint8Array(this.#pageSize);
        this.#partial.set(part, this.#filled);
        this.#filled += part.length;
      }
      if (this.#filled < this.#pageSize) break;
      const bytes = this.#partial;
      const page = this.#page++;
      this.#partial = undefined;
      this.#filled = 0;
      if (bytes !== undefined) entries.push({ page: pageNo(page), bytes });
    }
    return entries;
  }

  /** The wanted pages that each piece of a body completes. */
  async *pages(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<PageEntry[], void, undefined> {
    for await (const chunk of chunks) {
      const entries = this.push(chunk);
      if (entries.length > 0) yield entries;
    }
  }

  #isWanted(): boolean {
    for (;;) {
      const range = this.#wanted[this.#rangeIndex];
      if (range === undefined) return false;
      if (this.#page <= range.last) return this.#page >= range.first;
      this.#rangeIndex++;
    }
  }
}
