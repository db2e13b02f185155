import type { AbortOptions, PageNo } from "@lacuna/page";
import { type Answer, type AnswerContext, answerFromView } from "./answer-from-view.ts";
import { type ByteRange, parseByteRange } from "./byte-range.ts";
import { checkConditions, entityTag, rangeHolds } from "./entity-tag.ts";
import { Refusal } from "./json-answer.ts";
import { pageChunks } from "./page-chunks.ts";
import type { ServedView } from "./served-database.ts";
import type { Chunks } from "./view-stream.ts";

/**
 * Answers `GET` and `HEAD` of the database as a file: its newest state as it would be with nothing left in the
 * write-ahead log.
 * @throws {Refusal} 412, 416
 */
export function answerFile(request: Request, context: AnswerContext): Promise<Response> {
  return answerFromView(context, (view) => planFile(request, view, context));
}

function planFile(request: Request, view: ServedView, context: AnswerContext): Answer {
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
  headers["content-length"] = String(size);
  if (method === "HEAD") return { status: 200, headers };
  const range = rangeHolds(asked, tag) ? parseByteRange(asked.get("range"), size) : undefined;
  if (range === "unsatisfiable") {
    const facts = { "content-range": `bytes */${size}`, etag: tag, "accept-ranges": "bytes" };
    throw new Refusal(416, "RANGE_NOT_SATISFIABLE", `the file has ${size} bytes`, facts);
  }
  if (range === undefined) {
    const all = { first: 0, last: size - 1 };
    return { status: 200, headers, chunks: size === 0 ? undefined : fileChunks(view, all, context) };
  }
  headers["content-length"] = String(range.last - range.first + 1);
  headers["content-range"] = `bytes ${range.first}-${range.last}/${size}`;
  return { status: 206, headers, chunks: fileChunks(view, range, context) };
}

async function* fileChunks(
  view: ServedView,
  { first, last }: ByteRange,
  { chunkBytes, signal }: AnswerContext & AbortOptions,
): Chunks {
  const { pageSize } = view;
  const pageOf = (offset: number): PageNo => (Math.floor(offset / pageSize) + 1) as PageNo;
  const pages = [{ first: pageOf(first), last: pageOf(last) }];
  for (const group of pageChunks(pages, Math.max(1, Math.floor(chunkBytes / pageSize)))) {
    const bytes = await view.read(group, { signal });
    const offset = ((group[0]?.first ?? 1) - 1) * pageSize;
    yield bytes.subarray(Math.max(0, first - offset), last + 1 - offset);
  }
}
