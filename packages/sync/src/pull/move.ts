import { type DatabaseShape, type PageEntry, PageSet } from "@lacuna/page";
import type { Pager, WriteSource } from "@lacuna/pager";
import type { Bootstrapper } from "../bootstrap.ts";
import type { Change } from "../changes/change.ts";
import type { Progress } from "../ingest.ts";
import { sameMark } from "../push/mark-table.ts";
import type { Mark, SyncState } from "../push/sync-state.ts";
import type { Transform } from "../statements/transform.ts";
import { allPages } from "./all-pages.ts";
import { markInPages, type OpenReplaySql, replayChanges } from "./replay.ts";

export interface MoveContext {
  readonly pager: Pager;
  readonly state: SyncState;
  readonly bootstrapper: Bootstrapper;
  readonly openSql: OpenReplaySql;
  readonly transform: Transform | undefined;
  readonly onProgress: ((progress: Progress) => void) | undefined;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Where to move, with what is known to be the same there. */
export interface Destination {
  readonly shape: DatabaseShape;
  readonly keep: PageSet;
  readonly pages: AsyncIterable<readonly PageEntry[]>;
}

/** Moves a replica from one revision to another, with the local changes that the remote does not have. */
export class Move {
  readonly #context: MoveContext;

  constructor(context: MoveContext) {
    this.#context = context;
  }

  /** Moves with nothing kept: to the newest revision, with the pages that come at opening. */
  async toNewest(signal: AbortSignal | undefined): Promise<void> {
    const { bootstrapper } = this.#context;
    const opening = await bootstrapper.ask({ signal });
    const pages = allPages(opening, bootstrapper.options, { signal });
    try {
      await this.to({ shape: opening.shape, keep: new PageSet(), pages }, signal);
    } finally {
      await opening.pages[Symbol.asyncIterator]().return?.();
    }
    await bootstrapper.bind();
  }

  /**
   * @throws {ChangeError} `PULL_CONFLICT` naming the local change that cannot be repeated there
   * @throws what the pages, the remote or the storage reported; everything is as it was then
   */
  async to({ shape, keep, pages }: Destination, signal: AbortSignal | undefined): Promise<void> {
    const { pager, state } = this.#context;
    const settled: number[] = [];
    let taken: Mark | undefined;
    const replay = async (over: WriteSource): Promise<void> => {
      // Asked now and not before: writers that were waited for have committed since.
      if (pager.pendingCount > 0) taken = await this.#replay(over, settled);
    };
    const step = { shape, keep, pages: this.#watched(shape, pages), settled, replay };
    await pager.rebase(step, signal === undefined ? {} : { signal });
    await state.set({
      ...(taken === undefined ? {} : { confirmed: taken, inflight: [] }),
      stale: false,
      lastPull: this.#seconds(),
    });
  }

  /** Remembers that the remote was asked and had nothing new. */
  async nothingNew(): Promise<void> {
    await this.#context.state.set({ lastPull: this.#seconds() });
  }

  /** @returns the mark that was found in the pages, if it is of a push whose reply was lost */
  async #replay(over: WriteSource, settled: number[]): Promise<Mark | undefined> {
    const { pager, state, openSql, transform } = this.#context;
    const { client, inflight, discarded: ids } = state.facts;
    const discarded = new Set(ids);
    const isDiscarded = ({ id }: Change): boolean => discarded.has(id);
    const sql = await openSql(over);
    try {
      const found = inflight.length === 0 ? undefined : await markInPages(sql, client);
      const taken = inflight.find((mark) => sameMark(mark, found));
      const pending = await pager.pendingChanges();
      const left = pending.filter(({ id }) => taken === undefined || id > taken.transaction);
      // Again, if the step is tried again.
      settled.splice(
        0,
        settled.length,
        ...pending.slice(0, pending.length - left.length).map(({ id }) => id),
      );
      if (left.length > 0) await replayChanges(sql, left, { transform, isDiscarded });
      return taken;
    } finally {
      await sql.close();
    }
  }

  async *#watched(
    { pageSize, pageCount }: DatabaseShape,
    pages: AsyncIterable<readonly PageEntry[]>,
  ): AsyncGenerator<readonly PageEntry[]> {
    const { onProgress } = this.#context;
    let count = 0;
    for await (const batch of pages) {
      yield batch;
      count += batch.length;
      onProgress?.({ pages: count, pageCount, bytes: count * pageSize });
    }
  }

  #seconds(): number {
    return Math.floor(this.#context.now() / 1000);
  }
}
