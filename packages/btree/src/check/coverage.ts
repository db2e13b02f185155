import { readU16 } from "../big-endian.ts";
import type { BtreePage } from "../btree-page.ts";

/** A stretch of a page that a cell or freeblock takes. */
export interface Extent {
  readonly start: number;
  readonly end: number;
}

/** Says what is wrong at an offset of the page. */
type Report = (offset: number, message: string) => void;

function* freeblocks(view: BtreePage, report: Report): Generator<Extent, void> {
  const { bytes, usableSize } = view;
  for (let at = view.firstFreeblock, last = 0; at !== 0; ) {
    // Freeblocks are in order, so a list that goes on upwards ends.
    if (at <= last || at > usableSize - 4) {
      report(last || view.start + 1, `expected a freeblock further on in the page, found ${at}`);
      return;
    }
    const end = at + readU16(bytes, at + 2);
    if (end < at + 4 || end > usableSize) {
      report(at + 2, `expected a freeblock that ends inside the page, found one that ends at ${end}`);
      return;
    }
    yield { start: at, end };
    last = end - 1;
    at = readU16(bytes, at);
  }
}

/**
 * Checks that the cells and freeblocks of a page do not overlap and that what is left between them is what the header
 * says. @returns the bytes of the page that hold nothing
 */
export function checkCoverage(view: BtreePage, cells: readonly Extent[], report: Report): number {
  const { usableSize, contentStart } = view;
  const pointersEnd = view.pointers + 2 * view.cellCount;
  if (contentStart < pointersEnd || contentStart > usableSize) {
    report(
      view.start + 5,
      `expected the cell area to start from ${pointersEnd} to ${usableSize}, found ${contentStart}`,
    );
    return 0;
  }
  const free = [...freeblocks(view, report)];
  const extents = [...cells, ...free].sort((a, b) => a.start - b.start);
  let at = contentStart;
  let fragments = 0;
  for (const { start, end } of extents) {
    if (start < at) {
      report(
        start,
        `expected ${at > contentStart ? "bytes used once" : `content from ${contentStart} on`}, found an overlap of ${at - start}`,
      );
      return 0;
    }
    fragments += start - at;
    at = end;
  }
  fragments += usableSize - at;
  if (fragments !== view.fragmentedBytes) {
    report(view.start + 7, `expected ${fragments} fragmented bytes, found ${view.fragmentedBytes}`);
  }
  return contentStart - pointersEnd + fragments + free.reduce((sum, { start, end }) => sum + end - start, 0);
}
