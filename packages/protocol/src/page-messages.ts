import { isPageSize, type PageIndex } from "@lacuna/page";
import { varintBytes, writeVarint } from "./message-writer.ts";
import type { PageIndexRange } from "./page-index-range.ts";

const INDEX_FIELD = 0x08;
const PAGE_FIELD = 0x12;

/**
 * A page behind its length.
 * @throws {RangeError} if `bytes` has no length a page can have
 */
export function encodePageMessage(index: PageIndex, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const range = { first: index, last: index };
  const message = new Uint8Array(pageMessagesLength([range], bytes.length));
  message.set(bytes, message.length - bytes.length);
  framePages(message, 0, [range], bytes.length);
  return message;
}

/**
 * How many bytes the messages of these pages take, each behind its length.
 * @throws {RangeError} if no page has `pageSize` bytes
 */
export function pageMessagesLength(ranges: readonly PageIndexRange[], pageSize: number): number {
  if (!isPageSize(pageSize)) throw new RangeError(`a page of ${pageSize} bytes is not possible`);
  let total = 0;
  for (const { first, last } of ranges) {
    // As many pages at a time as have indexes of the same length.
    for (let from: number = first; from <= last; ) {
      const to = from === 0 ? 0 : Math.min(last, 2 ** (7 * varintBytes(from)) - 1);
      total += (to - from + 1) * (headBytes(from, pageSize) + pageSize);
      from = to + 1;
    }
  }
  return total;
}

/**
 * Makes messages of pages in place: from `offset` to its end `target` has exactly the room they take, and the pages lie at the
 * end of it, one behind the other in the order of the ranges. Nothing is copied twice, nothing allocated.
 * @throws {RangeError} if the room is another
 */
export function framePages(
  target: Uint8Array,
  offset: number,
  ranges: readonly PageIndexRange[],
  pageSize: number,
): void {
  const length = pageMessagesLength(ranges, pageSize);
  if (target.length - offset !== length) {
    throw new RangeError(`the messages take ${length} bytes, there are ${target.length - offset}`);
  }
  let pages = 0;
  for (const { first, last } of ranges) pages += last - first + 1;
  let from = target.length - pages * pageSize;
  let at = offset;
  for (const { first, last } of ranges) {
    for (let index: number = first; index <= last; index++) {
      at = writeVarint(target, at, messageBytes(index, pageSize));
      if (index > 0) {
        target[at++] = INDEX_FIELD;
        at = writeVarint(target, at, index);
      }
      target[at++] = PAGE_FIELD;
      at = writeVarint(target, at, pageSize);
      // What is to be written never lies behind what is still to be read: the heads in front of it all have their room.
      if (from !== at) target.copyWithin(at, from, from + pageSize);
      from += pageSize;
      at += pageSize;
    }
  }
}

const messageBytes = (index: number, pageSize: number): number =>
  (index > 0 ? 1 + varintBytes(index) : 0) + 1 + varintBytes(pageSize) + pageSize;

/** What stands before a page, the length of its message included. */
function headBytes(index: number, pageSize: number): number {
  const bytes = messageBytes(index, pageSize);
  return varintBytes(bytes) + bytes - pageSize;
}
