import type { BtreePage, Rowid, Value } from "@lacuna/btree";
import { encodeRecord, entryValues, type PlaceholderRecord } from "@lacuna/btree/write";
import type { Pointers, Shadow } from "./shadow.ts";

/** The words of a column are taken to be so many. */
const USUAL_WORDS = 5;
/** More would make records that fill a page. */
const MOST_COLUMNS = 50;
/** Rows of `data` with a meaning of their own. */
const AVERAGES = 1;
const STRUCTURE = 10;
/** The row id of a page of a segment: so many times the number of the segment, and the number of the page. */
const SEGMENT = 2 ** 37;
/** Added to that of a page, the row id of the index of the long list of rows that begins there. */
const LIST_INDEX = 2 ** 36;
/** No segment has so many pages: twice as many are the largest integer that FTS5 reads here. */
const NO_PAGE = 2 ** 30 - 1;
/** Segments and pages of each that are guessed. */
const MOST_SEGMENTS = 32;
const MOST_PAGES = 2;
/** Pages that are pointed to remembered; with more, all before are forgotten. */
const MOST_POINTERS = 65_536;

/** No settings, no levels, no segments. */
const NO_SEGMENTS = new Uint8Array(7);
/** A page of a segment without a word: a list of rows begun before it goes on after it. */
const NO_WORDS = Uint8Array.of(0, 0, 0, 4);
/**
 * A page of a segment on which every list of rows that was begun ends, and that has one word behind all others: what is
 * looked for is not there. The word ends in the number of the segment, or FTS5 takes its row for the same as that of
 * another segment and turns to the next page.
 */
const LAST_WORD = Uint8Array.of(0, 0, 0, 11, 3, 0xff, 0, 0, 1, 2, 2, 4);
const SEGMENT_FROM_END = 6;

/**
 * What FTS5 expects of its tables. A search looks every word up in each segment of the index: made up like this, they have
 * no word, so it goes on to the next segment and the next word, and names the pages of all.
 */
export function fullTextShadows(owner: string, given: readonly string[]): Record<string, Shadow> {
  const columns = Math.min(given.filter((each) => !each.includes("=")).length, MOST_COLUMNS);
  const sizes = encodeRecord([null, new Uint8Array(columns).fill(USUAL_WORDS)]);
  const averages = new Uint8Array(columns + 1).fill(USUAL_WORDS);
  averages[0] = 1;
  return {
    data: {
      owner,
      record: pageRecord(averages, LAST_WORD),
      continuing: pageRecord(averages, NO_WORDS),
      likely: likelyPages,
      pointers: () => new SegmentPages(),
      together: "first",
    },
    idx: { owner, entries: unknownWords, pointsTo: "data", together: "later" },
    config: { owner, entries: () => [["version", 4]] },
    docsize: { owner, record: { of: () => sizes, mostBytes: sizes.length }, together: "later" },
    content: { owner, together: "later" },
  };
}

function pageRecord(averages: Uint8Array, page: Uint8Array): PlaceholderRecord {
  const rows = new Map<Rowid, Uint8Array>([
    [AVERAGES, encodeRecord([null, averages])],
    [STRUCTURE, encodeRecord([null, NO_SEGMENTS])],
  ]);
  const record = encodeRecord([null, page]);
  const mostBytes = Math.max(record.length, ...[...rows.values()].map(({ length }) => length));
  const of = (rowid: Rowid): Uint8Array => {
    const known = rows.get(rowid);
    if (known !== undefined || page === NO_WORDS) return known ?? record;
    new DataView(record.buffer).setUint16(record.length - SEGMENT_FROM_END, Number(rowid) / SEGMENT);
    return record;
  };
  return { of, mostBytes };
}

/** What is no page, the last page of the range, which is known to have been there, and the first of segments. */
function likelyPages(after: Rowid, upTo: Rowid): Rowid[] {
  const likely: Rowid[] = [AVERAGES, STRUCTURE, upTo];
  const from = Math.floor(Number(after) / SEGMENT);
  const end = Math.min(Math.floor(Number(upTo) / SEGMENT), from + MOST_SEGMENTS);
  for (let page = 1; page <= MOST_PAGES; page++) {
    likely.push(Number(after) + page);
    for (let segment = from + 1; segment <= end; segment++) likely.push(segment * SEGMENT + page);
  }
  return likely;
}

/** Entries by which no segment has a page for any word. */
function unknownWords(before?: readonly Value[], after?: readonly Value[]): Value[][] {
  const from = before === undefined ? 1 : Number(before[0]);
  const end = Math.min(after === undefined ? from + MOST_SEGMENTS : Number(after[0]), from + MOST_SEGMENTS);
  const entries: Value[][] = [];
  for (let segment = from; segment <= end; segment++) entries.push([segment, new Uint8Array(0), 2 * NO_PAGE]);
  return entries;
}

/** Which pages of segments `idx` points to. */
class SegmentPages implements Pointers {
  #rowids: Rowid[] = [];

  see(view: BtreePage): void {
    if (this.#rowids.length >= MOST_POINTERS) this.#rowids = [];
    for (let cell = 0; cell < view.cellCount; cell++) {
      const [segment, , page] = entryValues(view, cell) ?? [];
      if (typeof segment !== "number" || typeof page !== "number") continue;
      const rowid = segment * SEGMENT + Math.floor(page / 2);
      this.#rowids.push(rowid);
      if (page % 2 === 1) this.#rowids.push(rowid + LIST_INDEX);
    }
  }

  rowids(): Rowid[] {
    return this.#rowids;
  }
}
