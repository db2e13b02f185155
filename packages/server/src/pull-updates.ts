import {
  countPages,
  indexOfPage,
  type PageNo,
  type PageRange,
  pageAtIndex,
  type Revision,
  revision,
} from "@lacuna/page";
import {
  decodePageSelector,
  decodePullRequest,
  encodeHeader,
  framePages,
  type PageIndexRange,
  type PullRequest,
  pageMessagesLength,
} from "@lacuna/protocol";
import { type Answer, type AnswerContext, answerFromView, type Chunks } from "./answer-from-view.ts";
import type { Asked } from "./asked.ts";
import { Refusal } from "./json-answer.ts";
import { pageChunks } from "./page-chunks.ts";
import { commonPages, firstPagesFirst, otherPages } from "./page-range-sets.ts";
import type { QueryRunner } from "./query-runner.ts";
import { readChunk } from "./read-chunk.ts";
import type { Reply } from "./reply.ts";
import type { ServedView } from "./served-database.ts";

/** What the answers to pull requests have in common. */
export interface PullContext extends AnswerContext {
  readonly maxBodyBytes: number;
  /** How long a client may be kept waiting for a change, in milliseconds. */
  readonly maxWaitMs: number;
  /** Runs queries; absent where they are not offered. */
  readonly queries: QueryRunner | undefined;
}

/**
 * Answers `POST /pull-updates`, from the revision asked for or the newest: the pages of the selector or all of them, those of
 * a query, or those that differ from the client's revision. Pages are sent raw, those that the client names first and the others
 * in ascending order.
 * @throws {Refusal} 400 for what is not served, 410 for a revision that is not kept, 413
 * @throws {LacunaError} `PROTOCOL` if the body is malformed
 */
export async function answerPull(request: Asked, context: PullContext): Promise<Reply> {
  const pull = decodePullRequest(await request.readBody(context.maxBodyBytes));
  refuseUnserved(pull, context);
  const wanted = pull.serverRevision === "" ? undefined : revision(pull.serverRevision);
  if (wanted === undefined && pull.clientRevision !== "" && pull.longPollMs > 0) {
    const timeoutMs = Math.min(pull.longPollMs, context.maxWaitMs);
    const { signal, database } = context;
    await database.waitForChange?.({ revision: revision(pull.clientRevision), timeoutMs, signal });
  }
  const plan = async (view: ServedView): Promise<Answer> => {
    if (wanted !== undefined && wanted !== view.revision) {
      const message = `revision ${wanted} is not served any more, the newest is ${view.revision}`;
      throw new Refusal(410, "REVISION_CHANGED", message);
    }
    const chosen = await chosenPages(pull, view, context);
    const ranges = firstPagesFirst(chosen, pull.firstPages.map(pageAtIndex));
    return {
      status: 200,
      headers: { "content-type": "application/protobuf", "cache-control": "no-store" },
      body: pullBody(view, ranges, context),
    };
  };
  return answerFromView(context, plan, wanted);
}

function refuseUnserved({ encoding, query, streamKind }: PullRequest, { queries }: PullContext): void {
  const refuse = (what: string): never => {
    throw new Refusal(400, "NOT_SUPPORTED", `this server does not offer ${what}`);
  };
  if (encoding !== "raw") refuse("compressed pages; ask for raw ones");
  if (query !== "" && queries === undefined)
    refuse("the pages of a query; ask for a prefix or for all pages");
  if (streamKind !== "pages") refuse("a logical log; ask for pages");
}

/** The pages of the view that a request is to be answered with, ascending. */
async function chosenPages(
  pull: PullRequest,
  view: ServedView,
  { queries, signal }: PullContext,
): Promise<readonly PageRange[]> {
  const selected = existingPages(pull.pages, view.pageCount);
  const { clientRevision, query } = pull;
  const since = clientRevision === "" ? undefined : differences(revision(clientRevision), view);
  if (query === "" || queries === undefined) {
    const wanted = since === undefined ? selected : commonPages(selected, since);
    return withoutHeld(wanted, pull, since, view);
  }
  const touched = await queries.pagesOf(view, query, { signal });
  return withoutHeld(commonPages(selected, touched), pull, since, view);
}

/** What differs from the client's revision. Where that is unknown, every page may: the client gets over it by having them all. */
function differences(older: Revision, view: ServedView): readonly PageRange[] {
  if (older === view.revision) return [];
  return view.changedSince?.(older) ?? existingPages(undefined, view.pageCount);
}

/**
 * Leaves out the pages that the client says it holds, as of its own revision or, where it names none, of the one it asks for.
 * @param since the pages that changed after the client's revision
 */
function withoutHeld(
  wanted: readonly PageRange[],
  { clientPages, serverRevision }: PullRequest,
  since: readonly PageRange[] | undefined,
  view: ServedView,
): readonly PageRange[] {
  if (clientPages.length === 0) return wanted;
  if (since === undefined && serverRevision === "") {
    throw new Refusal(400, "PROTOCOL", "pages that are held must come with the revision they are of");
  }
  const held = existingPages(decodePageSelector(clientPages), view.pageCount);
  return otherPages(wanted, otherPages(held, since ?? []));
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

function pullBody(view: ServedView, ranges: readonly PageRange[], context: AnswerContext): Answer["body"] {
  const { revision: serverRevision, pageCount, pageSize } = view;
  const header = encodeHeader({ serverRevision, pageCount, protocol: "pages", selectsDifferences: true });
  const bytes = header.length + pageMessagesLength(indexRanges(ranges), pageSize);
  return { bytes, chunks: pullChunks(view, header, ranges, context) };
}

/** The header goes out together with the first pages: then their being readable decides the status. */
function* pullChunks(
  view: ServedView,
  header: Uint8Array<ArrayBuffer>,
  ranges: readonly PageRange[],
  context: AnswerContext,
): Chunks {
  const { pageSize } = view;
  if (ranges.length === 0) yield Promise.resolve(header);
  let before: Uint8Array = header;
  for (const group of pageChunks(ranges, Math.max(1, Math.floor(context.chunkBytes / pageSize)))) {
    yield framedChunk(view, before, group, context);
    before = NO_BYTES;
  }
}

/** Pages as messages, behind other bytes. */
async function framedChunk(
  view: ServedView,
  before: Uint8Array,
  group: readonly PageRange[],
  context: AnswerContext,
): Promise<Uint8Array<ArrayBuffer>> {
  const { pageSize } = view;
  const indexes = indexRanges(group);
  const heads = pageMessagesLength(indexes, pageSize) - countPages(group) * pageSize;
  const chunk = await readChunk(view, group, before.length + heads, context);
  chunk.set(before);
  framePages(chunk, before.length, indexes, pageSize);
  return chunk;
}

const NO_BYTES = new Uint8Array(0);

const indexRanges = (ranges: readonly PageRange[]): PageIndexRange[] =>
  ranges.map(({ first, last }) => ({ first: indexOfPage(first), last: indexOfPage(last) }));
