import { BtreePage, pageKind, type Rowid, type Value } from "@lacuna/btree";
import {
  entryValues,
  type PlaceholderRecord,
  placeholderIndexLeaf,
  placeholderIndexLeafLike,
  placeholderRowids,
  placeholderTableLeaf,
} from "@lacuna/btree/write";
import type { PageNo } from "@lacuna/page";
import { Candidates } from "./candidates.ts";
import { cellsPerLeaf, type Forest, sampleLeaf, type Tree } from "./forest.ts";
import type { Glance } from "./glance.ts";

/** An interior page that a run came to. */
interface Interior {
  readonly tree: Tree;
  readonly view: BtreePage;
  /** In key order, the right-most one last. */
  readonly children: Uint32Array;
  readonly place: Place | undefined;
}

/** Where a page hangs. */
interface Place {
  readonly parent: Interior;
  /** Which child it is, from 0. */
  readonly index: number;
}

/** How deep a page hangs in its tree. */
export interface Position {
  readonly page: PageNo;
  readonly tree: Tree;
  /** Pages above it. */
  readonly depth: number;
}

/** Interior pages remembered; one that was used longest ago is forgotten first. */
const MAX_INTERIORS = 4096;
/** Interior pages asked for beside a missed one, at first and at most. */
const FIRST_BESIDE = 16;
const MOST_BESIDE = 64;
/** Bytes a row is taken to need before a leaf of its table was seen. */
const USUAL_ROW_BYTES = 100;
/** Bytes of a small row besides its record. */
const OTHER_ROW_BYTES = 6;
/** The upper part of a tree is asked for together with others if it is not more than so many pages. */
const MOST_TOGETHER = 16;
/** Where no row is: nothing is looked up there. */
const LEAST_ROWID = -(2n ** 63n);

/**
 * What one run over the pages that are here has seen of their trees, and so what may be made up for those that are not.
 * Every method is safe on whatever bytes: what makes no sense teaches nothing.
 */
export class Terrain {
  readonly #forest: Forest;
  readonly #pageSize: number;
  readonly #pageCount: number;
  readonly #writes: boolean;
  /** Whoever gets a placeholder copies it at once: thousands of arrays would be waste for the collector. */
  readonly #placeholder: Uint8Array;
  /** The one used last comes last. */
  readonly #interiors: Interior[] = [];
  /** By table. */
  readonly #candidates = new Map<Tree, Candidates>();
  /** So many leaves may be passed over after one on which a list may go on: as many as were read in a row up to it. */
  readonly #passable = new Map<PageNo, number>();
  /** Trees that were read. */
  readonly #seen = new Set<Tree>();
  #indexPages = 0;

  /** @param writes whether placeholders may be written to: then no two cells may lie in the same place */
  constructor(forest: Forest, pageSize: number, pageCount: number, writes: boolean) {
    this.#writes = writes;
    this.#forest = forest;
    this.#placeholder = new Uint8Array(pageSize);
    this.#pageSize = pageSize;
    this.#pageCount = pageCount;
  }

  /** Pages of indexes it knows the row ids of. */
  get indexPages(): number {
    return this.#indexPages;
  }

  /** Takes over the row ids that another one knows. */
  inherit(before: Terrain): void {
    for (const [table, candidates] of before.#candidates) this.#candidates.set(table, candidates);
  }

  /** A page that is here is read. */
  see(page: PageNo, bytes: Uint8Array): void {
    const kind = pageKind(page, bytes);
    if (kind === undefined) return;
    const place = this.#placeOf(page);
    const tree = place?.parent.tree ?? this.#forest.get(page);
    if (tree === undefined) return;
    this.#seen.add(tree);
    try {
      const view = new BtreePage(page, bytes, this.#forest.header.usableSize);
      if (view.isLeaf) sampleLeaf(tree, view.cellCount);
      else this.#remember(tree, view, place);
      const { rows, shadow } = tree;
      if (rows !== undefined && (!view.isTable || shadow?.pointsTo !== undefined)) {
        this.#indexPages++;
        this.#candidatesOf(rows).add(bytes);
      }
      if (shadow?.continuing !== undefined && view.isLeaf)
        this.#passable.set(page, 1 + this.#passableAt(place));
    } catch {
      // The statement itself will find out and say so.
    }
  }

  /** Where a page hangs, if that was seen. */
  position(page: PageNo): Position | undefined {
    const place = this.#placeOf(page);
    return place === undefined ? undefined : { page, tree: place.parent.tree, depth: depthOf(place) };
  }

  /**
   * What the page holds may name other pages, as far as can be told: it is none of the leaves of a table, or of one that is
   * joined with others.
   */
  leads(page: PageNo): boolean {
    const parent = this.#placeOf(page)?.parent;
    if (parent === undefined) return this.#forest.get(page) !== undefined;
    const { view, tree } = parent;
    if (!view.isTable || tree.upper.has(view.page)) return true;
    if (tree.shadow !== undefined) return tree.shadow.pointsTo !== undefined;
    return [...this.#seen].some(({ tableName }) => tableName !== tree.tableName);
  }

  /** A stand-in for a page that is not here, as like it as can be told; never one to keep. Valid until the next. */
  placeholder(page: PageNo): Uint8Array {
    const place = this.#placeOf(page);
    const tree = place?.parent.tree ?? this.#forest.get(page);
    if (tree === undefined) return this.#overflow(page);
    const isTable = place?.parent.view.isTable ?? tree.hasRowids;
    return isTable ? this.#tableLeaf(tree, place) : this.#indexLeaf(tree, place);
  }

  /**
   * Interior pages beside one that a reader missed, the nearest first: who looks up keys one after the other will want them
   * all, and they are few. More of them each time; none at first, when it cannot be told that it is an interior page.
   */
  *beside(page: PageNo): Generator<PageNo, void, undefined> {
    const place = this.#placeOf(page);
    if (place === undefined) return;
    const { tree, children, view } = place.parent;
    if (!tree.upper.has(view.page)) return;
    const most = Math.min(FIRST_BESIDE * 2 ** tree.upperMisses++, MOST_BESIDE);
    for (let count = 0, distance = 1; count < most && distance < children.length; distance++) {
      for (const index of [place.index + distance, place.index - distance]) {
        const child = children[index];
        if (child === undefined) continue;
        count++;
        yield child as PageNo;
      }
    }
  }

  /**
   * Pages below the roots of all that a virtual table goes through together, if few, when a reader missed a page on the
   * way to what comes first.
   */
  *together(page: PageNo, glance: Glance): Generator<PageNo, void, undefined> {
    const place = this.#placeOf(page);
    const { owner, together } = (place?.parent.tree ?? this.#forest.get(page))?.shadow ?? {};
    if (owner === undefined || together !== "first" || !isFirst(place)) return;
    for (const { root } of this.#forest.together(owner)) {
      const bytes = glance(root);
      if (bytes === undefined) yield root;
      else this.see(root, bytes);
      const interior = this.#interiors.find(({ view }) => view.page === root);
      if (interior === undefined || interior.children.length > MOST_TOGETHER) continue;
      for (const child of interior.children) yield child as PageNo;
    }
  }

  #remember(tree: Tree, view: BtreePage, place: Place | undefined): void {
    if (place !== undefined) tree.upper.add(place.parent.view.page);
    // The bytes may be gone by the next turn.
    const own = new BtreePage(view.page, view.bytes.slice(), view.usableSize);
    const children = new Uint32Array(own.cellCount + 1);
    for (let index = 0; index < children.length; index++) children[index] = own.child(index);
    const known = this.#interiors.findIndex((interior) => interior.view.page === view.page);
    if (known >= 0) this.#interiors.splice(known, 1);
    else if (this.#interiors.length >= MAX_INTERIORS) this.#interiors.shift();
    this.#interiors.push({ tree, view: own, children, place });
  }

  #placeOf(page: PageNo): Place | undefined {
    const { length } = this.#interiors;
    for (let at = length - 1; at >= 0; at--) {
      const parent = this.#interiors[at] as Interior;
      const index = parent.children.indexOf(page);
      if (index < 0) continue;
      if (at !== length - 1) {
        this.#interiors.splice(at, 1);
        this.#interiors.push(parent);
      }
      return { parent, index };
    }
    return undefined;
  }

  #tableLeaf(tree: Tree, place: Place | undefined): Uint8Array {
    const { usableSize } = this.#forest.header;
    const page = { pageSize: this.#pageSize, usableSize, into: this.#placeholder };
    const { shadow } = tree;
    const below = place === undefined ? undefined : keyBefore(place);
    const above = place === undefined ? undefined : keyAfter(place);
    if (shadow?.mayLack === true) return placeholderTableLeaf(page, [below ?? LEAST_ROWID]);
    const record = this.#recordOf(tree, place);
    const { mostBytes = 0, restBytes = 0 } = record ?? {};
    const rowBytes = record === undefined ? USUAL_ROW_BYTES : mostBytes + restBytes + OTHER_ROW_BYTES;
    const rows = cellsPerLeaf(tree, Math.max(1, Math.floor(usableSize / rowBytes)));
    let after = below ?? (above === undefined || above > 0 ? 0 : minus(above, rows));
    let upTo = above ?? minus(after, -rows);
    const candidates = this.#candidates.get(tree);
    if (below === undefined || above === undefined) {
      // At the ends of the tree there is no separator: it reaches as far as an index says.
      const [first, last] = candidates?.ends() ?? [];
      if (below === undefined && first !== undefined && first <= after) after = minus(first, 1);
      if (above === undefined && last !== undefined && last > upTo) upTo = last;
    }
    if (!(upTo > after)) return placeholderTableLeaf(page, [upTo], record);
    // Where all row ids fit they are taken to be there, and then an index can point to no other.
    const isSmall = Number(upTo) - Number(after) <= rows;
    const likely = shadow?.likely?.(after, upTo) ?? [];
    const wanted = isSmall ? undefined : [...likely, ...(candidates?.within(after, upTo) ?? [])];
    const rowids = placeholderRowids(page, { after, upTo, rows, wanted, record });
    return placeholderTableLeaf(page, rowids, record);
  }

  #recordOf({ shadow }: Tree, place: Place | undefined): PlaceholderRecord | undefined {
    const passable = this.#passableAt(place);
    if (shadow?.continuing !== undefined && place !== undefined && passable > 0) {
      this.#passable.set(pageAt(place), passable - 1);
      return shadow.continuing;
    }
    const { record } = shadow ?? {};
    // Rows that share bytes must not be written to.
    return this.#writes && record?.restBytes !== undefined ? undefined : record;
  }

  /** How many leaves may be passed over from the leaf before a place on. */
  #passableAt(place: Place | undefined): number {
    const before = place?.parent.children[place.index - 1];
    return before === undefined ? 0 : (this.#passable.get(before as PageNo) ?? 0);
  }

  #indexLeaf(tree: Tree, place: Place | undefined): Uint8Array {
    const { usableSize } = this.#forest.header;
    const page = { pageSize: this.#pageSize, usableSize, into: this.#placeholder };
    const before = place === undefined ? undefined : entryBefore(place);
    const after = place === undefined ? undefined : entryAfter(place);
    const made = tree.shadow?.entries?.(valuesOf(before), valuesOf(after));
    if (made !== undefined) return placeholderIndexLeaf(page, made);
    const beside = before ?? after;
    // Nothing is known of its keys: one that is smaller than all.
    if (beside === undefined) return placeholderIndexLeaf(page, [[null, 1]]);
    const { parent, cell } = beside;
    // Taken to be as full as SQLite leaves it when keys come in order, until a leaf was seen.
    const bytes = parent.view.contentStart < usableSize ? usableSize - parent.view.contentStart : usableSize;
    const usual = Math.floor((usableSize - 8) / (bytes / Math.max(1, parent.view.cellCount) - 2));
    const count = this.#writes ? 1 : cellsPerLeaf(tree, Math.max(1, usual));
    return placeholderIndexLeafLike(page, parent.view, cell, count);
  }

  /** Chains mostly lie in order: the next page is taken to be the next of the chain. */
  #overflow(page: PageNo): Uint8Array {
    const bytes = this.#placeholder.fill(0);
    if (page < this.#pageCount) new DataView(bytes.buffer).setUint32(0, page + 1);
    return bytes;
  }

  #candidatesOf(table: Tree): Candidates {
    let candidates = this.#candidates.get(table);
    if (candidates === undefined) {
      candidates = new Candidates(this.#forest.header.usableSize, table.shadow?.pointers?.());
      this.#candidates.set(table, candidates);
    }
    return candidates;
  }
}

function pageAt({ parent, index }: Place): PageNo {
  return parent.children[index] as PageNo;
}

/** Pages above it. */
function depthOf(place: Place | undefined): number {
  return place === undefined ? 0 : 1 + depthOf(place.parent.place);
}

/** No page of the tree comes before it. */
function isFirst(place: Place | undefined): boolean {
  return place === undefined || (place.index === 0 && isFirst(place.parent.place));
}

function valuesOf(entry: Entry | undefined): Value[] | undefined {
  return entry === undefined ? undefined : entryValues(entry.parent.view, entry.cell);
}

function minus(rowid: Rowid, count: number): Rowid {
  return typeof rowid === "number" && Number.isSafeInteger(rowid - count)
    ? rowid - count
    : BigInt(rowid) - BigInt(count);
}

/** The largest row id before the pages below a place: every one there is greater. */
function keyBefore({ parent, index }: Place): Rowid | undefined {
  if (index > 0) return parent.view.rowid(index - 1);
  return parent.place === undefined ? undefined : keyBefore(parent.place);
}

/** The largest row id that may be below a place. */
function keyAfter({ parent, index }: Place): Rowid | undefined {
  if (index < parent.view.cellCount) return parent.view.rowid(index);
  return parent.place === undefined ? undefined : keyAfter(parent.place);
}

interface Entry {
  readonly parent: Interior;
  readonly cell: number;
}

/** The entry of an interior page that comes next before the pages below a place. */
function entryBefore({ parent, index }: Place): Entry | undefined {
  if (index > 0) return { parent, cell: index - 1 };
  return parent.place === undefined ? undefined : entryBefore(parent.place);
}

function entryAfter({ parent, index }: Place): Entry | undefined {
  if (index < parent.view.cellCount) return { parent, cell: index };
  return parent.place === undefined ? undefined : entryAfter(parent.place);
}
