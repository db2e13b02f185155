import type { PageEntry, PageNo } from "@lacuna/page";

/** Pages to write as the caller handed them over, copied and in ascending order. */
export interface PageBatch {
  /** Every entry, repeated pages included, in the order given. */
  readonly given: readonly { readonly page: PageNo; readonly byteLength: number }[];
  /** The pages in ascending order, none twice. */
  readonly pages: readonly PageNo[];
  /** The bytes of `pages` one after another; of a page given twice the last. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Copies the entries at once, so that the caller may change its arrays while the batch waits for its turn. */
export function copyBatch(entries: readonly PageEntry[]): PageBatch {
  const last = new Map<PageNo, Uint8Array>();
  for (const { page, bytes } of entries) last.set(page, bytes);
  const pages = [...last.keys()].sort((a, b) => a - b);
  let length = 0;
  for (const bytes of last.values()) length += bytes.byteLength;
  const copy = new Uint8Array(length);
  let offset = 0;
  for (const page of pages) {
    const bytes = last.get(page) ?? new Uint8Array();
    copy.set(bytes, offset);
    offset += bytes.byteLength;
  }
  const given = entries.map(({ page, bytes }) => ({ page, byteLength: bytes.byteLength }));
  return { given, pages, bytes: copy };
}

/** The runs of consecutive pages, as positions in `pages`, which ascend. `end` does not belong to the run. */
export function* runsOf(pages: readonly PageNo[], maxGap = 1): Generator<{ start: number; end: number }> {
  let start = 0;
  for (let at = 1; at <= pages.length; at++) {
    const before = pages[at - 1];
    const page = pages[at];
    if (before !== undefined && page !== undefined && page - before <= maxGap) continue;
    yield { start, end: at };
    start = at;
  }
}
