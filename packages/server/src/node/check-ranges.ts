import type { PageRange } from "@lacuna/page";

/** @throws {RangeError} unless a database of so many pages has all of these */
export function checkRanges(ranges: readonly PageRange[], pageCount: number): void {
  for (const { first, last } of ranges) {
    if (first >= 1 && last >= first && last <= pageCount) continue;
    throw new RangeError(`pages 1 to ${pageCount} exist, got ${first} to ${last}`);
  }
}
