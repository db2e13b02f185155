import {
  closedError,
  type DatabaseShape,
  LacunaError,
  type PageEntry,
  type PageNo,
  PageSet,
} from "@lacuna/page";
import type { LocalLog } from "../local/local-log.ts";
import { Overlay } from "../local/overlay.ts";
import { encodeMove, JOURNAL_HEADER_BYTES, JOURNAL_SALTS, type JournalStep } from "../local/pull-journal.ts";
import { WalLog, type WalSalts } from "../local/wal-log.ts";
import { windowFile } from "../local/window-file.ts";
import type { LocalSide } from "../local-side.ts";
import type { RebaseStep } from "../rebase-step.ts";
import { VersionedPages } from "../versioned-pages.ts";
import { stateOf, Versions } from "../versions.ts";
import { ReplayLog } from "./replay-log.ts";
import { StagedStore } from "./staged-store.ts";

/** A step whose sections are in the journal, all but the log of changes. */
export interface PreparedStep {
  readonly sections: Pick<JournalStep, "move" | "pages" | "wal">;
  readonly salts: WalSalts;
  /** The pages that came with the step. */
  readonly replaced: Iterable<PageNo>;
  /** Changes that were made while replaying. */
  readonly added: readonly Uint8Array[];
  /** Pages of the new revision that were fetched while replaying. */
  readonly fetched: readonly PageEntry[];
}

/**
 * Writes the pages of a step to the journal and replays local changes over them. Nobody sees any of it.
 * @throws what the step, its replay, the base or the files reported; the caller abandons the step
 */
export async function prepareStep(
  local: LocalSide,
  step: RebaseStep,
  closing: AbortSignal,
): Promise<PreparedStep> {
  const { log, store } = local;
  await log.beginStep();
  const { shape, keep } = step;
  const move = encodeMove({ shape, keep });
  await log.journal.write(move, JOURNAL_HEADER_BYTES);
  const pagesStart = JOURNAL_HEADER_BYTES + move.byteLength;
  const pages = await writePages(log, pagesStart, step);
  const walStart = pagesStart + pages.length;
  const samePageSize = store.shape()?.pageSize === shape.pageSize;
  const staged = new StagedStore(store, shape, samePageSize ? keep : new PageSet(), {
    file: windowFile(log.journal, pagesStart, pages.length),
    offsets: pages.offsets,
  });
  const salts = log.newSalts();
  const wal = new WalLog(windowFile(log.journal, walStart), shape.pageSize, salts);
  const added = await replay(local, step, staged, wal, closing);
  return {
    sections: {
      move: { start: JOURNAL_HEADER_BYTES, length: move.byteLength },
      pages: { start: pagesStart, length: pages.length },
      wal: { start: walStart, length: wal.bytes },
    },
    salts,
    replaced: [...pages.offsets.keys()],
    added,
    fetched: staged.fetched(),
  };
}

async function writePages(log: LocalLog, start: number, { shape, pages }: RebaseStep) {
  const wal = new WalLog(windowFile(log.journal, start), shape.pageSize, JOURNAL_SALTS);
  const offsets = new Map<PageNo, number>();
  for await (const batch of pages) {
    if (batch.length === 0) continue;
    for (const entry of batch) checkPage(entry, shape);
    const transaction = wal.prepare(
      batch.map(({ page, bytes }) => [page, bytes] as const),
      shape.pageCount,
    );
    await wal.write([transaction]);
    for (const [page, offset] of wal.offsetsOf(transaction)) offsets.set(page, offset);
  }
  return { length: wal.bytes, offsets };
}

function checkPage({ page, bytes }: PageEntry, { pageCount, pageSize }: DatabaseShape): void {
  if (page < 1 || page > pageCount) throw new RangeError(`page ${page} is not one of ${pageCount} pages`);
  if (bytes.byteLength === pageSize) return;
  throw new LacunaError("SHORT_READ", `expected ${pageSize} bytes, got ${bytes.byteLength}`, { page });
}

async function replay(
  local: LocalSide,
  step: RebaseStep,
  store: StagedStore,
  wal: WalLog,
  closing: AbortSignal,
): Promise<readonly Uint8Array[]> {
  if (step.replay === undefined) return [];
  const base = await local.makeBase(store);
  const end = (): Promise<void> => base.end(closedError("the pager"));
  closing.addEventListener("abort", end, { once: true });
  const log = new ReplayLog(wal);
  const overlay = new Overlay(wal.file, step.shape.pageSize, local.memoryPages);
  const pages = new VersionedPages(new Versions({ ...stateOf(base.source), overlay }), {
    log,
    durability: "durable",
    flushDelayMs: 0,
    timers: local.timers,
  });
  try {
    closing.throwIfAborted();
    await step.replay(pages);
    return log.changes;
  } finally {
    closing.removeEventListener("abort", end);
    pages.close();
    await base.end(closedError("the view of a replay"));
  }
}
