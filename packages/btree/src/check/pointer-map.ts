import type { PageNo } from "@lacuna/page";
import type { DatabaseHeader } from "../database-header.ts";

/** Byte offset in the file of the page that SQLite locks and never stores anything on. */
const LOCK_BYTE = 0x4000_0000;

/** The page that holds the lock byte, in databases that reach so far. File Format, "The Lock-Byte Page". */
export function lockBytePage(pageSize: number): PageNo {
  return (LOCK_BYTE / pageSize + 1) as PageNo;
}

/** The pages that a pointer-map page has entries for. */
export interface PointerMapPage {
  readonly page: PageNo;
  /** The page of its first entry; entries of five bytes follow each other. */
  readonly first: PageNo;
  /** The page of its last entry, whether or not the database reaches so far. */
  readonly last: PageNo;
}

/** The pointer-map pages of a database; none without auto-vacuum. File Format, "Pointer Map or Ptrmap Pages". */
export function* pointerMapPages(header: DatabaseHeader, pageCount: number): Generator<PointerMapPage, void> {
  if (header.autoVacuum === "none") return;
  const entries = Math.floor(header.usableSize / 5);
  const lock = lockBytePage(header.pageSize);
  for (let group = 2; group <= pageCount; group += entries + 1) {
    // Where the lock byte lies the pointer map moves up by one page.
    const page = group === lock ? group + 1 : group;
    const first = page + 1;
    if (page > pageCount) return;
    yield { page: page as PageNo, first: first as PageNo, last: (group + entries) as PageNo };
  }
}
