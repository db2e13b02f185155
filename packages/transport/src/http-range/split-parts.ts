import type { PageEntry, PageSet } from "@lacuna/page";
import type { PageSplitter } from "./page-splitter.ts";

/** Bytes between two parts, at most. */
const MOST_HEAD_BYTES = 1024;

/** A range of a file, both ends included, and what takes its bytes. */
export interface Part {
  readonly first: number;
  readonly last: number;
  readonly splitter: PageSplitter;
}

/**
 * Cuts the body of an answer with several ranges into pages. RFC 9110, "Media Type multipart/byteranges". How long a part is,
 * its `Content-Range` tells: the bytes of pages are never searched for the boundary.
 * @param parts by what `Content-Range` says of each after the unit; those that begin are taken out
 * @param missing pages are taken out as they come
 * @returns how many parts have come whole, in whatever order; 0 as soon as anything else comes
 */
export async function* splitParts(
  chunks: AsyncIterable<Uint8Array>,
  parts: Map<string, Part>,
  missing: PageSet,
): AsyncGenerator<PageEntry[], number, undefined> {
  let head = "";
  let splitter: PageSplitter | undefined;
  let missingBytes = 0;
  let begun = 0;
  for await (const chunk of chunks) {
    const entries: PageEntry[] = [];
    let isLost = false;
    for (let at = 0; at < chunk.length && !isLost; ) {
      const bytes = chunk.subarray(at, at + missingBytes);
      entries.push(...(splitter?.push(bytes) ?? []));
      missingBytes -= bytes.length;
      at += bytes.length;
      if (at === chunk.length) break;
      head += String.fromCharCode(chunk[at++] as number);
      isLost = head.length > MOST_HEAD_BYTES;
      // A line may be left empty before the first boundary.
      const range = head.endsWith("\r\n\r\n") && /\r\ncontent-range:\s*bytes\s+(\S+)/i.exec(head)?.[1];
      if (!range) continue;
      const part = parts.get(range);
      isLost = !parts.delete(range);
      splitter = part?.splitter;
      missingBytes = part === undefined ? 0 : part.last - part.first + 1;
      begun++;
      head = "";
    }
    for (const { page } of entries) missing.delete(page);
    if (entries.length > 0) yield entries;
    if (isLost) return 0;
  }
  return missingBytes > 0 ? begun - 1 : begun;
}
