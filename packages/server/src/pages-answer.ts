import { type PageNo, revision } from "@lacuna/page";
import { type Answer, type AnswerContext, answerFromView, type Chunks } from "./answer-from-view.ts";
import type { Asked } from "./asked.ts";
import { checkConditions } from "./entity-tag.ts";
import { Refusal } from "./json-answer.ts";
import { pageChunks } from "./page-chunks.ts";
import { readChunk } from "./read-chunk.ts";
import type { Reply } from "./reply.ts";
import type { ServedView } from "./served-database.ts";

const PATH = /^\/pages\/(.+)\/(\d{1,10})-(\d{1,10})$/s;

/**
 * Answers `GET` and `HEAD` of `/pages/REVISION/FIRST-LAST`: the pages of a revision, one behind the other. FIRST and LAST are
 * page indexes, from 0 as everywhere on the wire, and both belong to it; what lies outside of the database is left out.
 * The same address always has the same bytes, so caches may keep them for ever.
 * @param isPublic whether caches that several people share may keep them
 * @throws {Refusal} 404 for a malformed address, and where no such page exists
 * @throws {LacunaError} `REVISION_CHANGED` if the revision is not kept
 */
export function answerPages(
  request: Asked,
  path: string,
  context: AnswerContext,
  isPublic: boolean,
): Promise<Reply> {
  const [, name = "", firstText = "", lastText = ""] = PATH.exec(path) ?? [];
  const first = Number(firstText);
  const last = Number(lastText);
  if (name === "" || last < first) {
    throw new Refusal(404, "NOT_FOUND", "pages are at /pages/REVISION/FIRST-LAST, indexes from 0");
  }
  const wanted = revision(name);
  return answerFromView(
    context,
    (view): Answer => {
      if (view.revision !== wanted) {
        throw new Refusal(410, "REVISION_CHANGED", `revision ${name} is not served any more`);
      }
      if (first >= view.pageCount) {
        throw new Refusal(404, "NOT_FOUND", `the revision has ${view.pageCount} pages, from index 0`);
      }
      const end = Math.min(last, view.pageCount - 1);
      const tag = `"${first}-${last}"`;
      const headers = {
        etag: tag,
        "cache-control": `${isPublic ? "public" : "private"}, max-age=31536000, immutable`,
      };
      if (checkConditions(request.headers, tag) === "not-modified") return { status: 304, headers };
      const bytes = (end - first + 1) * view.pageSize;
      const described = { ...headers, "content-type": "application/octet-stream" };
      if (request.method === "HEAD") {
        return { status: 200, headers: { ...described, "content-length": String(bytes) } };
      }
      return {
        status: 200,
        headers: described,
        body: { bytes, chunks: pageBytes(view, first, end, context) },
      };
    },
    wanted,
  );
}

function* pageBytes(view: ServedView, first: number, last: number, context: AnswerContext): Chunks {
  const pages = [{ first: (first + 1) as PageNo, last: (last + 1) as PageNo }];
  for (const group of pageChunks(pages, Math.max(1, Math.floor(context.chunkBytes / view.pageSize)))) {
    yield readChunk(view, group, 0, context);
  }
}
