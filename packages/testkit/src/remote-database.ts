import { type DatabaseShape, type PageNo, pagesOf, revision } from "@lacuna/page";

/** A remote database for doubles: its shape and all of its pages. */
export interface RemoteDatabase {
  readonly shape: DatabaseShape;
  /** The page's bytes. Shared: never write to them. */
  page(page: PageNo): Uint8Array;
}

/**
 * A database whose pages are no SQLite pages, but each differs from every other: bytes 0 to 3 hold the page number, the
 * rest a pattern made from it.
 * @param options `pageSize` defaults to 4096, `revision` to "r1"
 */
export function patternDatabase(
  pageCount: number,
  options: { readonly pageSize?: number; readonly revision?: string } = {},
): RemoteDatabase {
  const pageSize = options.pageSize ?? 4096;
  const shape = { revision: revision(options.revision ?? "r1"), pageSize, pageCount };
  const pages = new Map<PageNo, Uint8Array>();
  return {
    shape,
    page(page) {
      let bytes = pages.get(page);
      if (bytes === undefined) {
        bytes = new Uint8Array(pageSize);
        for (let at = 4; at < pageSize; at++) bytes[at] = (page * 31 + at * 7) & 0xff;
        new DataView(bytes.buffer).setUint32(0, page);
        pages.set(page, bytes);
      }
      return bytes;
    },
  };
}

/** A whole database file, such as one SQLite made, as a remote database. */
export function databaseFromFile(
  file: Uint8Array,
  options: { readonly pageSize: number; readonly revision?: string },
): RemoteDatabase {
  const { pageSize } = options;
  const pageCount = file.length / pageSize;
  if (!Number.isInteger(pageCount)) {
    throw new RangeError(`expected whole pages of ${pageSize} bytes, found ${file.length} bytes`);
  }
  return {
    shape: { revision: revision(options.revision ?? "r1"), pageSize, pageCount },
    page: (page) => file.subarray((page - 1) * pageSize, page * pageSize),
  };
}

/** Every page number of a shape, ascending. */
export function allPages(shape: DatabaseShape): PageNo[] {
  return shape.pageCount === 0 ? [] : [...pagesOf([{ first: 1 as PageNo, last: shape.pageCount as PageNo }])];
}
