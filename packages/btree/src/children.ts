import { isLacunaError, type PageNo } from "@lacuna/page";
import { BtreePage, pageKind } from "./btree-page.ts";
import type { Rowid } from "./varint.ts";

/** The children of a table's interior page with the row ids that divide them. */
export interface TableChildren {
  /** In key order, the right-most child last. */
  readonly pages: readonly PageNo[];
  /**
   * One fewer than `pages`: child `i` holds row ids greater than `keys[i - 1]` and at most `keys[i]`. The first child has
   * no lower and the last no upper bound of its own; they are those of the parent.
   */
  readonly keys: readonly Rowid[];
}

/**
 * The children of an interior B-tree page in key order, the right-most one last. `undefined` if the bytes are not an
 * interior page, or one that contradicts the format. Never throws; whether a child lies inside the database is left to
 * the caller.
 */
export function childPages(page: PageNo, bytes: Uint8Array, usableSize: number): PageNo[] | undefined {
  return readChildren(page, bytes, usableSize, false)?.pages;
}

/** Like `childPages` for the interior page of a table, with the row ids between the children. */
export function tableChildren(
  page: PageNo,
  bytes: Uint8Array,
  usableSize: number,
): TableChildren | undefined {
  const isTable = pageKind(page, bytes) === "table-interior";
  return isTable ? readChildren(page, bytes, usableSize, true) : undefined;
}

function readChildren(page: PageNo, bytes: Uint8Array, usableSize: number, withKeys: boolean) {
  if (pageKind(page, bytes)?.endsWith("interior") !== true) return undefined;
  try {
    const view = new BtreePage(page, bytes, usableSize);
    const pages: PageNo[] = [];
    const keys: Rowid[] = [];
    for (let index = 0; index <= view.cellCount; index++) {
      pages.push(view.child(index));
      if (withKeys && index < view.cellCount) keys.push(view.rowid(index));
    }
    return { pages, keys };
  } catch (error) {
    // An overflow page can begin with the byte of an interior page; it is then not one.
    if (isLacunaError(error, "CORRUPT_PAGE")) return undefined;
    throw error;
  }
}
