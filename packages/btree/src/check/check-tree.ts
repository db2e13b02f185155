import type { PageNo } from "@lacuna/page";
import { readU32 } from "../big-endian.ts";
import { BtreePage } from "../btree-page.ts";
import { CellReader } from "../cell.ts";
import { RecordReader } from "../record.ts";
import { MAX_DEPTH } from "../tree-format.ts";
import type { Rowid } from "../varint.ts";
import type { CheckContext, Reading } from "./check-context.ts";
import { checkCoverage, type Extent } from "./coverage.ts";
import type { TreeStats } from "./finding.ts";

/** Looks at the entries of a tree as they come, in key order. */
export interface EntryCheck {
  /** @returns what is wrong with the entry, `undefined` if nothing is */
  entry(record: RecordReader, rowid: Rowid | undefined): string | undefined;
}

/** Checks the shape of one B-tree and hands its entries on. File Format, "B-tree Pages". */
export class TreeCheck {
  readonly #context: CheckContext;
  readonly #stats: TreeStats;
  readonly #entries: EntryCheck;
  readonly #record: RecordReader;
  #lastRowid: Rowid | undefined;
  #leafDepth: number | undefined;

  constructor(context: CheckContext, stats: TreeStats, entries: EntryCheck) {
    this.#context = context;
    this.#stats = stats;
    this.#entries = entries;
    this.#record = new RecordReader(context.format.textEncoding);
  }

  *run(): Reading<void> {
    const { root } = this.#stats;
    const origin: PageNo = 1 as PageNo;
    if (this.#context.claim(root, "table-leaf", [origin, 0], root) !== undefined) yield* this.#page(root, 1);
  }

  *#page(page: PageNo, depth: number): Reading<void> {
    const { root, kind } = this.#stats;
    const bytes = yield page;
    const view = this.#attempt(page, () => new BtreePage(page, bytes, this.#context.format.usableSize));
    if (view === undefined) return;
    this.#context.map.set(page, view.kind, root, this.#context.map.parent(page));
    if (view.isTable !== (kind === "table")) {
      this.#report(
        page,
        view.start,
        `expected a page of ${kind === "table" ? "a table" : "an index"}, found ${view.kind}`,
      );
      return;
    }
    if (view.cellCount === 0 && depth > 1)
      this.#report(page, view.start + 3, "expected at least one cell, found none");
    if (view.isLeaf) {
      this.#stats.leafPages++;
      this.#stats.depth = Math.max(this.#stats.depth, depth);
      this.#leafDepth ??= depth;
      if (depth !== this.#leafDepth) {
        this.#report(
          page,
          view.start,
          `expected all leaves at level ${this.#leafDepth}, found one at level ${depth}`,
        );
      }
    } else this.#stats.interiorPages++;
    const extents: Extent[] = [];
    for (let index = 0; index < view.cellCount; index++) yield* this.#cell(view, index, depth, extents);
    if (!view.isLeaf) yield* this.#child(view, view.cellCount, depth);
    if (extents.length < view.cellCount) return;
    this.#stats.unusedBytes += checkCoverage(view, extents, (offset, message) =>
      this.#report(page, offset, message),
    );
  }

  *#cell(view: BtreePage, index: number, depth: number, extents: Extent[]): Reading<void> {
    if (!view.isLeaf) yield* this.#child(view, index, depth);
    if (view.isTable && !view.isLeaf) {
      this.#attempt(view.page, () => {
        const start = view.cellOffset(index);
        const rowid = view.rowid(index);
        extents.push({ start, end: view.rowidEnd(index) });
        // The separator may be larger than the last row below it, but no row of the next child may be smaller.
        if (this.#lastRowid !== undefined && rowid < this.#lastRowid) {
          this.#report(
            view.page,
            start,
            `expected a separator of at least ${this.#lastRowid}, found ${rowid}`,
          );
        }
        this.#lastRowid = rowid;
      });
      return;
    }
    const cell = new CellReader();
    const read = this.#attempt(view.page, () => {
      cell.read(view, index);
      return true;
    });
    if (read === undefined) return;
    extents.push({ start: cell.offset, end: Math.max(cell.end, cell.offset + 4) });
    this.#stats.entries++;
    this.#stats.payloadBytes += cell.payloadSize;
    if (view.isTable) this.#order(view.page, cell);
    const payload = yield* this.#payload(view, cell);
    if (payload === undefined) return;
    this.#record.reset(view.page, cell.offset, payload, 0, payload.length, payload.length);
    this.#attempt(view.page, () => {
      const wrong = this.#entries.entry(this.#record, view.isTable ? cell.rowid : undefined);
      if (wrong !== undefined) this.#report(view.page, cell.offset, wrong);
    });
  }

  #order(page: PageNo, cell: CellReader): void {
    const last = this.#lastRowid;
    if (last !== undefined && cell.rowid <= last) {
      this.#report(page, cell.offset, `expected a row id greater than ${last}, found ${cell.rowid}`);
    }
    this.#lastRowid = cell.rowid;
  }

  *#child(view: BtreePage, index: number, depth: number): Reading<void> {
    const { root } = this.#stats;
    const child = this.#attempt(view.page, () => view.child(index));
    if (child === undefined) return;
    const offset = index === view.cellCount ? view.start + 8 : view.cellOffset(index);
    if (this.#context.claim(child, "table-leaf", [view.page, offset], root, view.page) === undefined) return;
    if (depth < MAX_DEPTH) yield* this.#page(child, depth + 1);
    else this.#report(view.page, offset, `expected a tree at most ${MAX_DEPTH} levels deep`);
  }

  /** The whole payload, its overflow pages claimed on the way; `undefined` if it is not all there. */
  *#payload(view: BtreePage, cell: CellReader): Reading<Uint8Array | undefined> {
    if (cell.overflow === undefined) return view.bytes.subarray(cell.start, cell.localEnd);
    const { format, map } = this.#context;
    const { root } = this.#stats;
    const capacity = format.usableSize - 4;
    if (cell.payloadSize > format.pageCount * format.usableSize) {
      this.#report(
        view.page,
        cell.offset,
        `expected a payload that fits the database, found ${cell.payloadSize} bytes`,
      );
      return undefined;
    }
    const payload = new Uint8Array(cell.payloadSize);
    payload.set(view.bytes.subarray(cell.start, cell.localEnd));
    let filled = cell.localEnd - cell.start;
    let from: [PageNo, number] = [view.page, cell.localEnd];
    let next: number = cell.overflow;
    while (filled < payload.length) {
      const page = this.#context.claim(next, "overflow", from, root, from[0]);
      if (page === undefined) return undefined;
      map.set(page, "overflow", root, from[0]);
      this.#stats.overflowPages++;
      const bytes = yield page;
      const size = Math.min(capacity, payload.length - filled);
      payload.set(bytes.subarray(4, 4 + size), filled);
      filled += size;
      from = [page, 0];
      next = readU32(bytes, 0);
    }
    if (next !== 0) this.#report(from[0], 0, `expected the end of an overflow chain, found page ${next}`);
    return payload;
  }

  #report(page: PageNo, offset: number, message: string): void {
    this.#context.report(page, offset, message, this.#stats.root);
  }

  #attempt<T>(page: PageNo, work: () => T): T | undefined {
    return this.#context.attempt(work, page, this.#stats.root);
  }
}
