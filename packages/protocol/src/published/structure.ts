import { isPageSize, LacunaError, type PageNo, pageNo } from "@lacuna/page";

/** No structure file is longer, stored or inflated. */
export const MAX_STRUCTURE_BYTES = 1 << 25;
/** No segment is longer when inflated. */
export const MAX_SEGMENT_BYTES = 1 << 24;

/** A segment of a snapshot: the pages of an aligned run that the structure file does not hold, deflated. */
export interface PublishedSegment {
  /** Its length as it is stored; 0 if all pages of its run are in the structure file, so that there is none. */
  readonly storedBytes: number;
  /** SHA-256 of the file as it is stored: 32 bytes. */
  readonly sha256: Uint8Array;
}

/** What a structure file holds. */
export interface Structure {
  readonly pageSize: number;
  readonly pageCount: number;
  /** Pages of each run but the last, which may be shorter. Run `i` begins with page `i * segmentPages + 1`. */
  readonly segmentPages: number;
  /** The segments of all runs in their order, as they are stored: see `segmentOf`. */
  readonly segmentTable: Uint8Array;
  /** The pages that came along, by number, ascending. */
  readonly pages: ReadonlyMap<PageNo, Uint8Array>;
}

const HEAD_BYTES = 20;
const SEGMENT_BYTES = 36;
const MAGIC = 0x4c_43_4e_31; // LCN1

/** @throws {RangeError} if there are more segments and pages than a structure file can hold */
export function encodeStructure(structure: Structure): Uint8Array<ArrayBuffer> {
  const { pageSize, pageCount, segmentPages, segmentTable, pages } = structure;
  const length = HEAD_BYTES + segmentTable.length + pages.size * (4 + pageSize);
  if (length > MAX_STRUCTURE_BYTES) {
    throw new RangeError(`a structure file has at most ${MAX_STRUCTURE_BYTES} bytes, this has ${length}`);
  }
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  for (const [index, word] of [MAGIC, pageSize, pageCount, segmentPages, pages.size].entries()) {
    view.setUint32(4 * index, word);
  }
  bytes.set(segmentTable, HEAD_BYTES);
  let at = HEAD_BYTES + segmentTable.length;
  let pageAt = at + 4 * pages.size;
  for (const [page, content] of pages) {
    view.setUint32(at, page);
    bytes.set(content, pageAt);
    at += 4;
    pageAt += pageSize;
  }
  return bytes;
}

/**
 * Reads an inflated structure file. Its pages are views into the bytes.
 * @throws {LacunaError} `PROTOCOL`
 */
export function decodeStructure(bytes: Uint8Array): Structure {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < HEAD_BYTES || view.getUint32(0) !== MAGIC) throw wrong("its beginning");
  const [pageSize, pageCount, segmentPages, held] = [4, 8, 12, 16].map((at) => view.getUint32(at)) as [
    number,
    number,
    number,
    number,
  ];
  if (!isPageSize(pageSize)) throw wrong(`page size ${pageSize}`);
  if (segmentPages === 0 || segmentPages * pageSize > MAX_SEGMENT_BYTES) {
    throw wrong(`segments of ${segmentPages} pages`);
  }
  const runs = Math.ceil(pageCount / segmentPages);
  const expected = HEAD_BYTES + runs * SEGMENT_BYTES + held * (4 + pageSize);
  if (bytes.length !== expected) throw wrong(`${bytes.length} bytes, ${expected} expected`);
  const at = HEAD_BYTES + runs * SEGMENT_BYTES;
  for (let entry = HEAD_BYTES; entry < at; entry += SEGMENT_BYTES) {
    const storedBytes = view.getUint32(entry);
    // What cannot be deflated becomes longer, but by little.
    if (storedBytes > segmentPages * pageSize + 4096) throw wrong(`a segment of ${storedBytes} bytes`);
  }
  const segmentTable = bytes.subarray(HEAD_BYTES, at);
  const pages = new Map<PageNo, Uint8Array>();
  const firstPageAt = at + 4 * held;
  for (let index = 0, before = 0; index < held; index++) {
    const page = view.getUint32(at + 4 * index);
    if (page <= before || page > pageCount) throw wrong(`page ${page} after page ${before}`);
    const from = firstPageAt + index * pageSize;
    pages.set(pageNo(page), bytes.subarray(from, from + pageSize));
    before = page;
  }
  return { pageSize, pageCount, segmentPages, segmentTable, pages };
}

/** The table of the segments of all runs, in their order. */
export function encodeSegmentTable(segments: readonly PublishedSegment[]): Uint8Array {
  const table = new Uint8Array(segments.length * SEGMENT_BYTES);
  const view = new DataView(table.buffer);
  for (const [run, { storedBytes, sha256 }] of segments.entries()) {
    view.setUint32(run * SEGMENT_BYTES, storedBytes);
    table.set(sha256, run * SEGMENT_BYTES + 4);
  }
  return table;
}

/** The segment of a run, from 0; `undefined` if all of the run's pages are in the structure file, or there is no such run. */
export function segmentOf(
  run: number,
  { segmentTable }: Pick<Structure, "segmentTable">,
): PublishedSegment | undefined {
  const entry = segmentTable.subarray(run * SEGMENT_BYTES, (run + 1) * SEGMENT_BYTES);
  if (entry.length < SEGMENT_BYTES) return undefined;
  const storedBytes = new DataView(entry.buffer, entry.byteOffset).getUint32(0);
  return storedBytes === 0 ? undefined : { storedBytes, sha256: entry.subarray(4) };
}

/** The pages of a run that its segment holds, ascending: those that are not in the structure file. */
export function pagesOfSegment(
  run: number,
  {
    pageCount,
    segmentPages,
    pages,
  }: Pick<Structure, "pageCount" | "segmentPages"> & {
    readonly pages: { has(page: PageNo): boolean };
  },
): PageNo[] {
  const found: PageNo[] = [];
  const last = Math.min(pageCount, (run + 1) * segmentPages);
  for (let page = run * segmentPages + 1; page <= last; page++) {
    if (!pages.has(pageNo(page))) found.push(pageNo(page));
  }
  return found;
}

const wrong = (found: string): LacunaError =>
  new LacunaError("PROTOCOL", `a structure file of a published database expected, found ${found}`);
