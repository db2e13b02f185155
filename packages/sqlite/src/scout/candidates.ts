import { BtreePage, entryRowids, type Rowid } from "@lacuna/btree";
import type { PageNo } from "@lacuna/page";
import type { Pointers } from "./shadow.ts";

/** Row ids remembered; with more, all before are forgotten. */
const MAX_CANDIDATES = 65_536;
/** Pages kept before they are looked at: most runs never need to know. */
const MAX_UNREAD = 64;

/** The row ids of one table that the pages read so far point to. */
export class Candidates {
  readonly #usableSize: number;
  readonly #pointers: Pointers | undefined;
  readonly #unread: Uint8Array[] = [];
  #rowids: Rowid[] = [];
  #isSorted = true;

  /** @param pointers reads pages that are no index of the table */
  constructor(usableSize: number, pointers?: Pointers) {
    this.#usableSize = usableSize;
    this.#pointers = pointers;
  }

  /** A page was read, of which the bytes may be gone by the next turn. */
  add(bytes: Uint8Array): void {
    this.#unread.push(bytes.slice());
    if (this.#unread.length >= MAX_UNREAD) this.#read();
  }

  /**
   * Those that are greater than `after` and at most `upTo`, ascending.
   * @throws {LacunaError} `CORRUPT_PAGE` if a page makes no sense
   */
  within(after: Rowid, upTo: Rowid): Rowid[] {
    const rowids = this.#ascending();
    const inRange: Rowid[] = [];
    for (let at = firstAfter(rowids, after); at < rowids.length; at++) {
      const rowid = rowids[at] as Rowid;
      if (rowid > upTo) break;
      inRange.push(rowid);
    }
    return inRange;
  }

  /** The smallest and the largest. */
  ends(): readonly [Rowid | undefined, Rowid | undefined] {
    const rowids = this.#ascending();
    return [rowids[0], rowids.at(-1)];
  }

  #ascending(): readonly Rowid[] {
    this.#read();
    if (!this.#isSorted) {
      this.#rowids = this.#pointers?.rowids() ?? this.#rowids;
      this.#rowids.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
      this.#isSorted = true;
    }
    return this.#rowids;
  }

  #read(): void {
    for (const bytes of this.#unread.splice(0)) {
      // Such pages are never page 1, and any other number reads the same.
      const view = new BtreePage(2 as PageNo, bytes, this.#usableSize);
      this.#isSorted = false;
      if (this.#pointers !== undefined) this.#pointers.see(view);
      else if (this.#rowids.length >= MAX_CANDIDATES) this.#rowids = entryRowids(view);
      else this.#rowids = this.#rowids.concat(entryRowids(view));
    }
  }
}

function firstAfter(sorted: readonly Rowid[], key: Rowid): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as Rowid) > key) high = middle;
    else low = middle + 1;
  }
  return low;
}
