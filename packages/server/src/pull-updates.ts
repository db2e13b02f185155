import {
  type AbortOptions,
  indexOfPage,
  type PageNo,
  type PageRange,
  pageAtIndex,
  pagesOf,
} from "@lacuna/page";
import {
  decodePullRequest,
  encodeHeader,
  encodePageMessages,
  type PageIndexRange,
  type PullRequest,
} from "@lacuna/protocol";
import { type AnswerContext, answerFromView } from "./answer-from-view.ts";
import { Refusal } from "./json-answer.ts";
import { pageChunks } from "./page-chunks.ts";
import { readBody } from "./request-body.ts";
import type { ServedView } from "./served-database.ts";
import type { Chunks } from "./view-stream.ts";

/**
 * Answers `POST /pull-updates` from the newest state: its pages, raw, those of the selector or all of them.
 * @throws {Refusal} 400 for what is not served, 410 if the request names another revision, 413
 * @throws {LacunaError} `PROTOCOL` if the body is malformed
 */
export async function answerPull(
  request: Request,
  context: AnswerContext,
  maxBodyBytes: number,
): Promise<Response> {
  const pull = decodePullRequest(await readBody(request, maxBodyBytes));
  refuseUnserved(pull);
  return answerFromView(context, (view) => {
    if (pull.serverRevision !== "" && pull.serverRevision !== view.revision) {
      const message = `revision ${pull.serverRevision} is not served any more, the newest is ${view.revision}`;
      throw new Refusal(410, "REVISION_CHANGED", message);
    }
    // No history is kept, so what changed since an older revision is unknown: every page may have.
    const ranges = pull.clientRevision === view.revision ? [] : existingPages(pull.pages, view.pageCount);
    return {
      status: 200,
      headers: { "content-type": "application/protobuf", "cache-control": "no-store" },
      chunks: pullChunks(view, ranges, context.chunkBytes, context),
    };
  });
}

function refuseUnserved({ encoding, query, streamKind }: PullRequest): void {
  const refuse = (what: string): never => {
    throw new Refusal(400, "NOT_SUPPORTED", `this server does not offer ${what}`);
  };
  if (encoding !== "raw") refuse("compressed pages; ask for raw ones");
  if (query !== "") refuse("the pages of a query; ask for a prefix or for all pages");
  if (streamKind !== "pages") refuse("a logical log; ask for pages");
}

/** The pages asked for that exist. */
function existingPages(wanted: readonly PageIndexRange[] | undefined, pageCount: number): PageRange[] {
  if (pageCount === 0) return [];
  const lastPage = pageCount as PageNo;
  if (wanted === undefined) return [{ first: 1 as PageNo, last: lastPage }];
  const ranges: PageRange[] = [];
  for (const range of wanted) {
    if (range.first >= pageCount) break;
    const last = range.last < pageCount ? pageAtIndex(range.last) : lastPage;
    ranges.push({ first: pageAtIndex(range.first), last });
  }
  return ranges;
}

/** The header goes out together with the first pages: then their being readable decides the status. */
async function* pullChunks(
  view: ServedView,
  ranges: readonly PageRange[],
  chunkBytes: number,
  abort: AbortOptions,
): Chunks {
  const { revision, pageSize, pageCount } = view;
  let header: Uint8Array | undefined = encodeHeader({
    serverRevision: revision,
    pageCount,
    protocol: "pages",
  });
  for (const group of pageChunks(ranges, Math.max(1, Math.floor(chunkBytes / pageSize)))) {
    const bytes = await view.read(group, abort);
    const pages = Array.from(pagesOf(group), (page, i) => ({
      index: indexOfPage(page),
      bytes: bytes.subarray(i * pageSize, (i + 1) * pageSize),
    }));
    const messages = encodePageMessages(pages);
    if (header === undefined) yield messages;
    else {
      const whole = new Uint8Array(header.length + messages.length);
      whole.set(header);
      whole.set(messages, header.length);
      header = undefined;
      yield whole;
    }
  }
  if (header !== undefined) yield header;
}
