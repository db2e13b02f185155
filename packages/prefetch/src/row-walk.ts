import type { Rowid } from "@lacuna/btree";
import type { PageNo } from "@lacuna/page";

/** The row ids that an index leaf points to, or a table page holds: greater than `above` and at most `upTo`. */
export interface RowRange {
  readonly above: Rowid | undefined;
  readonly upTo: Rowid | undefined;
}

/** Entries a reader may pass over because their rows were here: farther on it counts as looking up something else. */
const MAX_SKIP = 64;
/** Rows in between that no entry of the leaf points to: interior pages of an index have entries too. */
const MAX_STRAYS = 2;

/** A reader that goes through a leaf of an index and to the rows of a table that its entries point to. */
export class RowWalk {
  /** The topmost page known of the table. */
  readonly root: PageNo;
  leaf: PageNo;
  /** The row ids of the leaf's entries. */
  rowids: readonly Rowid[];
  /** When its reader moved last. */
  movedAt = 0;
  /** How far below the root the leaves of the table are, once that is known. */
  leafDepth: number | undefined;
  /** Which way the reader goes. */
  step: 1 | -1 = 1;
  readonly #firstWindow: number;
  readonly #maxWindow: number;
  /** The entry whose row the reader was at last; just outside the leaf before it was at any. */
  #position: number;
  /** 0 until the reader went from the row of one entry to that of the next. */
  #window = 0;
  #namedTo: number;
  #wanting = false;
  #strays = 0;

  constructor(
    root: PageNo,
    leaf: PageNo,
    rowids: readonly Rowid[],
    position: number,
    windows: { readonly first: number; readonly most: number },
  ) {
    this.root = root;
    this.leaf = leaf;
    this.rowids = rowids;
    this.#position = position;
    this.#namedTo = position;
    this.#firstWindow = windows.first;
    this.#maxWindow = windows.most;
  }

  /** Whether there is evidence that the reader goes from entry to entry. */
  get going(): boolean {
    return this.#window > 0;
  }

  get position(): number {
    return this.#position;
  }

  /** The reader waited for a leaf with these rows. */
  miss(rows: RowRange): void {
    if (holds(rows, this.rowids[this.#position])) return;
    for (let distance = 1; distance <= MAX_SKIP; distance++) {
      for (const step of this.going ? [this.step] : ([1, -1] as const)) {
        const position = this.#position + distance * step;
        if (!holds(rows, this.rowids[position])) continue;
        this.step = step;
        this.reach(position);
        return;
      }
    }
    if (this.going && ++this.#strays <= MAX_STRAYS) return;
    this.#restart(this.rowids.findIndex((rowid) => holds(rows, rowid)));
  }

  /** The reader is at the row of an entry farther on. */
  reach(position: number): void {
    this.#strays = 0;
    this.#position = position;
    if ((this.#namedTo - position) * this.step < 0) this.#namedTo = position;
    const ahead = (this.#namedTo - position) * this.step;
    if (this.going && ahead * 2 >= this.#window) return;
    this.#window = this.going ? Math.min(this.#window * 2, this.#maxWindow) : this.#firstWindow;
    this.#wanting = true;
  }

  /** The reader came to another leaf. @param next whether it is the next one in the direction of the reader */
  turnTo(leaf: PageNo, rowids: readonly Rowid[], next: boolean): void {
    this.leaf = leaf;
    this.rowids = rowids;
    if (next && this.going) {
      this.#position = this.step > 0 ? -1 : rowids.length;
      this.#namedTo = this.#position;
      this.#wanting = true;
    } else this.#restart(-MAX_SKIP - 1);
  }

  /** The next entry to name; `undefined` if enough are. */
  take(): { readonly position: number; readonly rowid: Rowid } | undefined {
    const position = this.#namedTo + this.step;
    const rowid = this.rowids[position];
    const ahead = (position - this.#position) * this.step;
    if (!this.#wanting || rowid === undefined || ahead > this.#window) {
      this.#wanting = false;
      return undefined;
    }
    this.#namedTo = position;
    return { position, rowid };
  }

  #restart(position: number): void {
    this.#position = position;
    this.#namedTo = position;
    this.#window = 0;
    this.#wanting = false;
    this.#strays = 0;
  }
}

export function holds({ above, upTo }: RowRange, rowid: Rowid | undefined): boolean {
  if (rowid === undefined) return false;
  return (above === undefined || rowid > above) && (upTo === undefined || rowid <= upTo);
}
