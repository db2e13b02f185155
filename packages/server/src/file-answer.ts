import type { PageNo } from "@lacuna/page";
import { type Answer, type AnswerContext, answerFromView, type Chunks } from "./answer-from-view.ts";
import type { Asked } from "./asked.ts";
import { type ByteRange, parseByteRanges } from "./byte-range.ts";
import { checkConditions, entityTag, rangeHolds } from "./entity-tag.ts";
import { Refusal } from "./json-answer.ts";
import { pageChunks } from "./page-chunks.ts";
import { readChunk } from "./read-chunk.ts";
import type { Reply } from "./reply.ts";
import type { ServedView } from "./served-database.ts";

/**
 * Answers `GET` and `HEAD` of the database as a file: its newest state as it would be with nothing left in the
 * write-ahead log.
 * @throws {Refusal} 412, 416
 */
export function answerFile(request: Asked, context: AnswerContext): Promise<Reply> {
  return answerFromView(context, (view) => planFile(request, view, context));
}

function planFile(request: Asked, view: ServedView, context: AnswerContext): Answer {
  const { method, headers: asked } = request;
  const size = view.pageCount * view.pageSize;
  const tag = entityTag(view.revision);
  const headers: Record<string, string> = {
    etag: tag,
    "accept-ranges": "bytes",
    "cache-control": "no-cache, no-transform",
  };
  if (view.modifiedMs !== undefined) headers["last-modified"] = new Date(view.modifiedMs).toUTCString();
  if (checkConditions(asked, tag) === "not-modified") return { status: 304, headers };

  headers["content-type"] = "application/vnd.sqlite3";
  if (method === "HEAD") return { status: 200, headers: { ...headers, "content-length": String(size) } };
  const ranges = rangeHolds(asked, tag) ? parseByteRanges(asked.get("range"), size) : undefined;
  if (ranges === "unsatisfiable") {
    const facts = { "content-range": `bytes */${size}`, etag: tag, "accept-ranges": "bytes" };
    throw new Refusal(416, "RANGE_NOT_SATISFIABLE", `the file has ${size} bytes`, facts);
  }
  if (ranges === undefined) {
    const all = { first: 0, last: size - 1 };
    return { status: 200, headers, body: { bytes: size, chunks: rangeChunks(view, all, context) } };
  }
  const [range] = ranges;
  if (range === undefined || ranges.length > 1) {
    const boundary = crypto.randomUUID();
    const parts = ranges.map((each) => ({ ...each, head: partHead(each, headers, { boundary, size }) }));
    const end = ENCODER.encode(`\r\n--${boundary}--\r\n`);
    headers["content-type"] = `multipart/byteranges; boundary=${boundary}`;
    const bytes = parts.reduce((sum, part) => sum + part.head.length + lengthOf(part), end.length);
    return { status: 206, headers, body: { bytes, chunks: partChunks(view, parts, end, context) } };
  }
  headers["content-range"] = contentRange(range, size);
  return {
    status: 206,
    headers,
    body: { bytes: lengthOf(range), chunks: rangeChunks(view, range, context) },
  };
}

const ENCODER = new TextEncoder();
const NOTHING = new Uint8Array();

const lengthOf = ({ first, last }: ByteRange): number => last - first + 1;
const contentRange = ({ first, last }: ByteRange, size: number): string => `bytes ${first}-${last}/${size}`;

/** One of several ranges in one answer. RFC 9110, "Media Type multipart/byteranges". */
interface Part extends ByteRange {
  /** What goes before its bytes. */
  readonly head: Uint8Array;
}

function partHead(
  range: ByteRange,
  headers: Readonly<Record<string, string>>,
  { boundary, size }: { readonly boundary: string; readonly size: number },
): Uint8Array {
  const type = headers["content-type"];
  return ENCODER.encode(
    `\r\n--${boundary}\r\nContent-Type: ${type}\r\nContent-Range: ${contentRange(range, size)}\r\n\r\n`,
  );
}

function* partChunks(
  view: ServedView,
  parts: readonly Part[],
  end: Uint8Array<ArrayBuffer>,
  context: AnswerContext,
): Chunks {
  for (const part of parts) yield* rangeChunks(view, part, context, part.head);
  yield Promise.resolve(end);
}

/** @param head goes before the bytes, in the same piece as the first of them */
function* rangeChunks(
  view: ServedView,
  { first, last }: ByteRange,
  context: AnswerContext,
  head: Uint8Array = NOTHING,
): Chunks {
  if (last < first) return;
  const { pageSize } = view;
  const pageOf = (offset: number): PageNo => (Math.floor(offset / pageSize) + 1) as PageNo;
  const pages = [{ first: pageOf(first), last: pageOf(last) }];
  let before = head;
  for (const group of pageChunks(pages, Math.max(1, Math.floor(context.chunkBytes / pageSize)))) {
    const offset = ((group[0]?.first ?? 1) - 1) * pageSize;
    const from = Math.max(0, first - offset);
    const front = before;
    before = NOTHING;
    yield readChunk(view, group, front.length, context).then((bytes) => {
      bytes.set(front, from);
      return bytes.subarray(from, front.length + last + 1 - offset);
    });
  }
}
