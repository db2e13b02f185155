import { isPageSize, LacunaError, type PageNo, pageNo } from "@lacuna/page";

/** No structure file is longer, stored or inflated. */
export const MAX_STRUCTURE_BYTES = 1 << 26;
/** No segment is longer when inflated. */
export const MAX_SEGMENT_BYTES = 1 << 24;

/** A segment of a snapshot: the pages of an aligned run that the structure file does not hold, deflated. */
export interface PublishedSegment {
  /** Its length as it is stored; 0 if all pages of its run are in the structure file, so that there is no segment. */
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
  /** One for each run, in their order. */
  readonly segments: readonly PublishedSegment[];
  /** The pages that came along, by number, ascending. */
  readonly pages: ReadonlyMap<PageNo, Uint8Array>;
}

const HEAD_BYTES = 20;
const SEGMENT_BYTES = 36;
const MAGIC = 0x4c_43_4e_31; // LCN1

/** @throws {RangeError} if there are more segments and pages than a structure file can hold */
export function encodeStructure(structure: Structure): Uint8Array<ArrayBuffer> {
  const { pageSize, pageCount, segmentPages, segments, pages } = structure;
  const length = HEAD_BYTES + segments.length * SEGMENT_BYTES + pages.size * (4 + pageSize);
  if (length > MAX_STRUCTURE_BYTES) {
    throw new RangeError(`a structure file has at most ${MAX_STRUCTURE_BYTES} bytes, this has ${length}`);
  }
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  for (const [index, word] of [MAGIC, pageSize, pageCount, segmentPages, pages.size].entries()) {
    view.setUint32(4 * index, word);
  }
  let at = HEAD_BYTES;
  for (const { storedBytes, sha256 } of segments) {
    view.setUint32(at, storedBytes);
    bytes.set(sha256, at + 4);
    at += SEGMENT_BYTES;
  }
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
  let at = HEAD_BYTES;
  const segments: PublishedSegment[] = [];
  for (; segments.length < runs; at += SEGMENT_BYTES) {
    const storedBytes = view.getUint32(at);
    // What cannot be deflated becomes longer, but by little.
    if (storedBytes > segmentPages * pageSize + 4096) throw wrong(`a segment of ${storedBytes} bytes`);
    segments.push({ storedBytes, sha256: bytes.subarray(at + 4, at + SEGMENT_BYTES) });
  }
  const pages = new Map<PageNo, Uint8Array>();
  const firstPageAt = at + 4 * held;
  for (let index = 0, before = 0; index < held; index++) {
    const page = view.getUint32(at + 4 * index);
    if (page <= before || page > pageCount) throw wrong(`page ${page} after page ${before}`);
    const from = firstPageAt + index * pageSize;
    pages.set(pageNo(page), bytes.subarray(from, from + pageSize));
    before = page;
  }
  return { pageSize, pageCount, segmentPages, segments, pages };
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
