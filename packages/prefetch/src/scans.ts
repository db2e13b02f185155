import type { InteriorPage, InteriorPages } from "./interior-pages.ts";
import { MAX_STEP, type ScanCursor } from "./scan-cursor.ts";

/** The scans going on, a bounded number of them. */
export class Scans {
  readonly #pages: InteriorPages;
  readonly #maxScans: number;
  #scans: ScanCursor[] = [];
  /** The interior page over each scan's reader, side by side because every read searches them. */
  #parents: InteriorPage[] = [];
  #time = 0;

  constructor(pages: InteriorPages, maxScans: number) {
    this.#pages = pages;
    this.#maxScans = maxScans;
  }

  /** A reader is at a leaf. @returns whether a scan was there or went there */
  advance(parent: InteriorPage, position: number): boolean {
    // Only near an edge may a scan come from another interior page.
    const nearEdge = position < MAX_STEP || position >= parent.children.length - MAX_STEP;
    let at = nearEdge ? 0 : this.#parents.indexOf(parent);
    while (at >= 0 && at < this.#scans.length) {
      const scan = this.#scans[at] as ScanCursor;
      const distance = scan.distanceTo(this.#pages, parent, position);
      if (distance !== undefined) {
        scan.movedAt = ++this.#time;
        if (distance > 0) scan.move(parent, position, distance);
        this.#parents[at] = parent;
        return true;
      }
      at = nearEdge ? at + 1 : this.#parents.indexOf(parent, at + 1);
    }
    return false;
  }

  /** Another scan begins; if there are too many, the one that moved longest ago makes room. */
  add(scan: ScanCursor): void {
    scan.movedAt = ++this.#time;
    let at = this.#scans.length;
    if (at === this.#maxScans) {
      at = 0;
      for (const [index, other] of this.#scans.entries()) {
        if (other.movedAt < (this.#scans[at] as ScanCursor).movedAt) at = index;
      }
    }
    this.#scans[at] = scan;
    this.#parents[at] = scan.parent;
  }

  /** The scans that want pages named, the one that moved last first; `undefined` if there are none. */
  wanting(): ScanCursor[] | undefined {
    let wanting: ScanCursor[] | undefined;
    for (const scan of this.#scans) {
      if (scan.wanted === 0) continue;
      wanting ??= [];
      wanting.push(scan);
    }
    return wanting?.sort((a, b) => b.movedAt - a.movedAt);
  }

  clear(): void {
    this.#scans = [];
    this.#parents = [];
    this.#time = 0;
  }
}
