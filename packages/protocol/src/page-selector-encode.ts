import { MAX_PAGE_NO } from "@lacuna/page";
import type { PageIndexRange } from "./page-index-range.ts";

/** The values of one container: those that share their upper 16 bits. */
interface Container {
  readonly key: number;
  cardinality: number;
  /** Lower 16 bits, both ends included, ascending and apart from each other. */
  readonly runs: { readonly start: number; last: number }[];
}

const BITMAP_BYTES = 8192;
const ARRAY_MAX = 4096;
/** With runs about, the offset table is there only from this many containers on. */
const OFFSETS_FROM = 4;

/**
 * A set of pages as a portable Roaring bitmap. Each container takes its smallest form, and the array or bitmap
 * form when a run form would not be smaller. No page is visited singly unless it stands alone.
 * @param ranges ascending, not overlapping; ranges that touch are merged
 * @throws {RangeError} if the ranges are out of order or name no page index
 */
export function encodePageSelector(ranges: Iterable<PageIndexRange>): Uint8Array<ArrayBuffer> {
  const containers = toContainers(ranges);
  const runForm = containers.map((container) => 2 + 4 * container.runs.length < plainBytes(container));
  const hasRuns = runForm.includes(true);
  const count = containers.length;

  const flagBytes = hasRuns ? Math.ceil(count / 8) : 0;
  const hasOffsets = !hasRuns || count >= OFFSETS_FROM;
  const headBytes = (hasRuns ? 4 + flagBytes : 8) + 4 * count + (hasOffsets ? 4 * count : 0);
  const sizes = containers.map((container, i) =>
    runForm[i] === true ? 2 + 4 * container.runs.length : plainBytes(container),
  );
  const bytes = new Uint8Array(sizes.reduce((sum, size) => sum + size, headBytes));
  const view = new DataView(bytes.buffer);

  let at: number;
  if (hasRuns) {
    view.setUint32(0, 12347 | ((count - 1) << 16), true);
    for (const [i, run] of runForm.entries()) if (run) setBit(bytes, 4, i);
    at = 4 + flagBytes;
  } else {
    view.setUint32(0, 12346, true);
    view.setUint32(4, count, true);
    at = 8;
  }
  for (const { key, cardinality } of containers) {
    view.setUint16(at, key, true);
    view.setUint16(at + 2, cardinality - 1, true);
    at += 4;
  }
  let body = headBytes;
  if (hasOffsets) {
    for (const size of sizes) {
      view.setUint32(at, body, true);
      at += 4;
      body += size;
    }
  }
  for (const [i, container] of containers.entries()) {
    if (runForm[i] === true) writeRuns(view, at, container);
    else if (container.cardinality <= ARRAY_MAX) writeArray(view, at, container);
    else writeBitmap(bytes, at, container);
    at += sizes[i] ?? 0;
  }
  return bytes;
}

const plainBytes = (container: Container): number =>
  container.cardinality <= ARRAY_MAX ? 2 * container.cardinality : BITMAP_BYTES;

function toContainers(ranges: Iterable<PageIndexRange>): Container[] {
  const containers: Container[] = [];
  let open: Container | undefined;
  let previous = -1;
  for (const { first, last } of ranges) {
    if (!Number.isInteger(first) || !Number.isInteger(last) || last < first || last >= MAX_PAGE_NO) {
      throw new RangeError(
        `a range of page indexes must run upwards below ${MAX_PAGE_NO}, got ${first}-${last}`,
      );
    }
    if (first <= previous)
      throw new RangeError(`range ${first}-${last} does not come after index ${previous}`);
    previous = last;
    for (let from: number = first; from <= last; ) {
      const key = Math.floor(from / 65536);
      const to = Math.min(last, key * 65536 + 65535);
      if (open?.key !== key) {
        open = { key, cardinality: 0, runs: [] };
        containers.push(open);
      }
      const start = from % 65536;
      const run = open.runs.at(-1);
      if (run !== undefined && run.last + 1 === start) run.last = to % 65536;
      else open.runs.push({ start, last: to % 65536 });
      open.cardinality += to - from + 1;
      from = to + 1;
    }
  }
  return containers;
}

function writeRuns(view: DataView, offset: number, { runs }: Container): void {
  view.setUint16(offset, runs.length, true);
  let at = offset + 2;
  for (const { start, last } of runs) {
    view.setUint16(at, start, true);
    view.setUint16(at + 2, last - start, true);
    at += 4;
  }
}

function writeArray(view: DataView, offset: number, { runs }: Container): void {
  let at = offset;
  for (const { start, last } of runs) {
    for (let value = start; value <= last; value++, at += 2) view.setUint16(at, value, true);
  }
}

function writeBitmap(bytes: Uint8Array, offset: number, { runs }: Container): void {
  for (const { start, last } of runs) {
    for (let value = start; value <= last; value++) setBit(bytes, offset, value);
  }
}

function setBit(bytes: Uint8Array, offset: number, bit: number): void {
  const at = offset + (bit >>> 3);
  bytes[at] = (bytes[at] ?? 0) | (1 << (bit & 7));
}
