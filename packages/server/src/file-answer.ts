import type { PageNo } from "@lacuna/page";
import { type Answer, type AnswerContext, answerFromView, type Chunks } from "./answer-from-view.ts";
import type { Asked } from "./asked.ts";
import { type ByteRange, parseByteRange } from "./byte-range.ts";
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
  const range = rangeHolds(asked, tag) ? parseByteRange(asked.get("range"), size) : undefined;
  if (range === "unsatisfiable") {
    const facts = { "content-range": `bytes */${size}`, etag: tag, "accept-ranges": "bytes" };
    throw new Refusal(416, "RANGE_NOT_SATISFIABLE", `the file has ${size} bytes`, facts);
  }
  if (range === undefined) {
    const all = { first: 0, last: size - 1 };
    return { status: 200, headers, body: { bytes: size, chunks: fileChunks(view, all, context) } };
  }
  const bytes = range.last - range.first + 1;
  headers["content-range"] = `bytes ${range.first}-${range.last}/${size}`;
  return { status: 206, headers, body: { bytes, chunks: fileChunks(view, range, context) } };
}

function* fileChunks(view: ServedView, { first, last }: ByteRange, context: AnswerContext): Chunks {
  if (last < first) return;
  const { pageSize } = view;
  const pageOf = (offset: number): PageNo => (Math.floor(offset / pageSize) + 1) as PageNo;
  const pages = [{ first: pageOf(first), last: pageOf(last) }];
  for (const group of pageChunks(pages, Math.max(1, Math.floor(context.chunkBytes / pageSize)))) {
    const offset = ((group[0]?.first ?? 1) - 1) * pageSize;
    yield readChunk(view, group, 0, context).then((bytes) =>
      bytes.subarray(Math.max(0, first - offset), last + 1 - offset),
    );
  }
}
