import { LacunaError, MAX_PAGE_NO, type PageIndex } from "@lacuna/page";
import type { PageIndexRange } from "./page-index-range.ts";

export interface PageSelectorLimits {
  /**
   * How many ranges the set may fall into. Pages are never listed singly, so this bounds the memory.
   * @default 262144
   */
  readonly maxRanges?: number | undefined;
}

const NO_RUNS = 12346;
const WITH_RUNS = 12347;
const BITMAP_BYTES = 8192;
const ARRAY_MAX = 4096;
const OFFSETS_FROM = 4;
const MAX_INDEX = MAX_PAGE_NO - 1;

/**
 * The pages of a portable Roaring bitmap as the fewest ranges, ascending. Reads both cookies and all three
 * kinds of container. The two 32-bit values that are no page index are left out.
 * @throws {LacunaError} `PROTOCOL` if the bytes are not such a bitmap, contradict themselves, or exceed the limit
 */
export function decodePageSelector(bytes: Uint8Array, limits: PageSelectorLimits = {}): PageIndexRange[] {
  const reader = new SelectorReader(bytes);
  const ranges = new RangeList(limits.maxRanges ?? 262_144);

  const cookie = reader.u16();
  const rest = reader.u16();
  let count: number;
  let runFlags: Uint8Array | undefined;
  if (cookie === WITH_RUNS) {
    count = rest + 1;
    runFlags = reader.take(Math.ceil(count / 8));
  } else if (cookie === NO_RUNS && rest === 0) {
    count = reader.u16() + reader.u16() * 65536;
  } else {
    throw malformed(`cookie 12346 or 12347 expected, found ${cookie + rest * 65536}`);
  }
  if (count > 65536) throw malformed(`at most 65536 containers are possible, found ${count}`);

  const descriptors = new SelectorReader(reader.take(4 * count));
  const hasOffsets = runFlags === undefined || count >= OFFSETS_FROM;
  const offsets = hasOffsets ? new SelectorReader(reader.take(4 * count)) : undefined;

  let previousKey = -1;
  for (let i = 0; i < count; i++) {
    const key = descriptors.u16();
    const cardinality = descriptors.u16() + 1;
    if (key <= previousKey) throw malformed(`container keys must ascend, found ${key} after ${previousKey}`);
    previousKey = key;
    if (offsets !== undefined) {
      const offset = offsets.u16() + offsets.u16() * 65536;
      if (offset !== reader.offset) {
        throw malformed(`container ${i} said to be at ${offset}, but it is at ${reader.offset}`);
      }
    }
    const isRun = runFlags !== undefined && (((runFlags[i >>> 3] ?? 0) >>> (i & 7)) & 1) === 1;
    const base = key * 65536;
    let found: number;
    if (isRun) found = readRuns(reader, base, ranges);
    else if (cardinality <= ARRAY_MAX) found = readArray(reader, base, cardinality, ranges);
    else found = readBitmap(reader, base, ranges);
    if (found !== cardinality) {
      throw malformed(`container ${i} should hold ${cardinality} values, but it holds ${found}`);
    }
  }
  if (reader.offset !== bytes.length) {
    throw malformed(`${bytes.length - reader.offset} bytes follow the last container`);
  }
  return ranges.list;
}

function readRuns(reader: SelectorReader, base: number, ranges: RangeList): number {
  let found = 0;
  let previous = -1;
  for (let left = reader.u16(); left > 0; left--) {
    const start = reader.u16();
    const last = start + reader.u16();
    if (start <= previous || last > 65535) throw malformed(`run ${start}-${last} after value ${previous}`);
    ranges.add(base + start, base + last);
    found += last - start + 1;
    previous = last;
  }
  return found;
}

function readArray(reader: SelectorReader, base: number, cardinality: number, ranges: RangeList): number {
  let previous = -1;
  for (let i = 0; i < cardinality; i++) {
    const value = reader.u16();
    if (value <= previous) throw malformed(`array values must ascend, found ${value} after ${previous}`);
    ranges.add(base + value, base + value);
    previous = value;
  }
  return cardinality;
}

function readBitmap(reader: SelectorReader, base: number, ranges: RangeList): number {
  let found = 0;
  for (const [i, byte] of reader.take(BITMAP_BYTES).entries()) {
    if (byte === 0) continue;
    for (let bit = 0; bit < 8; bit++) {
      if (((byte >>> bit) & 1) === 0) continue;
      const value = base + i * 8 + bit;
      ranges.add(value, value);
      found++;
    }
  }
  return found;
}

/** Ranges in the making: what touches the last one becomes part of it. */
class RangeList {
  readonly list: { first: PageIndex; last: PageIndex }[] = [];
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  add(first: number, last: number): void {
    const end = Math.min(last, MAX_INDEX) as PageIndex;
    if (first > end) return;
    const open = this.list.at(-1);
    if (open !== undefined && open.last + 1 === first) {
      open.last = end;
      return;
    }
    if (this.list.length >= this.#max) throw malformed(`at most ${this.#max} ranges are accepted`);
    this.list.push({ first: first as PageIndex, last: end });
  }
}

class SelectorReader {
  readonly #bytes: Uint8Array;
  offset: number;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.offset = 0;
  }

  u16(): number {
    const low = this.#bytes[this.offset];
    const high = this.#bytes[this.offset + 1];
    if (low === undefined || high === undefined) throw malformed(`it ends inside a number at ${this.offset}`);
    this.offset += 2;
    return low | (high << 8);
  }

  take(length: number): Uint8Array {
    const left = this.#bytes.length - this.offset;
    if (length > left) throw malformed(`${length} bytes expected at ${this.offset}, ${left} are left`);
    const taken = this.#bytes.subarray(this.offset, this.offset + length);
    this.offset += length;
    return taken;
  }
}

const malformed = (message: string): LacunaError =>
  new LacunaError("PROTOCOL", `malformed page selector: ${message}`);
