import {
  type DatabaseShape,
  type PageEntry,
  type PageNo,
  type PageStore,
  pageNo,
  revision,
} from "@lacuna/page";

/** Where one store lives. Stores of different places know nothing of each other. */
export interface PageStorePlace {
  /** Opens the store of this place; what a persistent store held before is there again. */
  open(): Promise<PageStore>;
}

/** A kind of page store, and what it says it can do. */
export interface PageStoreSubject {
  readonly name: string;
  readonly capabilities: {
    /** What was put is there again after closing and opening. */
    readonly persistent: boolean;
    /** Opening a place that is already open fails with `LOCKED`. */
    readonly exclusive: boolean;
    /** It has `getSync`, and its files `readSync`. */
    readonly synchronous: boolean;
  };
  /** A new, empty place on every call. */
  place(): PageStorePlace | Promise<PageStorePlace>;
}

export const PAGE_SIZE = 512;
export const SHAPE: DatabaseShape = { revision: revision("first"), pageSize: PAGE_SIZE, pageCount: 1000 };

/** Bytes that tell the page and what it was put for. */
export function bytesOf(page: number, fill = 1, pageSize = PAGE_SIZE): Uint8Array {
  const bytes = new Uint8Array(pageSize).fill(fill);
  new DataView(bytes.buffer).setUint32(0, page);
  return bytes;
}

export const entry = (page: number, fill = 1): PageEntry => ({
  page: pageNo(page),
  bytes: bytesOf(page, fill),
});
export const pages = (...numbers: number[]): PageNo[] => numbers.map(pageNo);
export const run = (first: number, last: number) => ({ first: pageNo(first), last: pageNo(last) });
export const from = (first: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => first + i);

export type OpenAt = (place: PageStorePlace) => Promise<PageStore>;
