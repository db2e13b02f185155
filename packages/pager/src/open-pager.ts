import { closedError, LacunaError, type PageStore } from "@lacuna/page";
import { LocalLog } from "./local/local-log.ts";
import type { RandomBytes } from "./local/random-words.ts";
import type { LocalSide, MakeBase } from "./local-side.ts";
import { Pager } from "./pager.ts";
import { runtimeTimers, type Timers } from "./timers.ts";

export interface OpenPagerOptions {
  /** Where resident pages and the files of the local ones are. It has a shape, and stays the caller's. */
  readonly store: PageStore;
  /**
   * Makes the pages below the local ones: at opening, after each `rebase`, and during one for its replay, over a store
   * that shows what will be. The pager ends what this makes.
   */
  readonly base: MakeBase;
  /**
   * Moves to another revision by `rebase` when the remote no longer serves the one of the base. Otherwise as
   * `ReadingPagerOptions.repin`.
   * @default none: the base stays what it is
   */
  readonly repin?: ((pager: Pager, signal: AbortSignal) => Promise<void>) | undefined;
  /** @see ReadingPagerOptions */
  readonly repinRetryMs?: number | undefined;
  /** @see ReadingPagerOptions */
  readonly now?: (() => number) | undefined;
  /**
   * When a commit resolves: once it is durable, or, `relaxed`, once it is in memory. Relaxed commits are made durable
   * together, in their order, soon after; a crash may lose the last of them, each whole.
   * @default "durable"
   */
  readonly durability?: "durable" | "relaxed" | undefined;
  /**
   * Milliseconds until relaxed commits are made durable.
   * @default 100
   */
  readonly flushDelayMs?: number | undefined;
  /**
   * Bytes of `PATH-wal` from which on a commit compacts it, if it is twice as long as its pages and the pending changes.
   * @default 16777216
   */
  readonly checkpointBytes?: number | undefined;
  /**
   * Bytes of local pages kept in memory once they are in `PATH-wal`.
   * @default 4194304
   */
  readonly memoryBytes?: number | undefined;
  /** @default those of the runtime */
  readonly timers?: Timers | undefined;
  /** @default crypto.getRandomValues */
  readonly random?: RandomBytes | undefined;
}

/**
 * Opens the database in a store for reading and writing, after finishing or undoing what a crash interrupted: it shows
 * the last state that was committed.
 * @throws {LacunaError} `INVALID_OPTION` for an option out of range or a store without a shape; `REPLICA_CORRUPT` if the
 *   files beside the pages are not those of this replica, such as after another program wrote to the database file: they
 *   are left alone; `STORAGE`, `STORAGE_FULL`; and what `base` reported
 */
export async function openPager(options: OpenPagerOptions): Promise<Pager> {
  const { store, base: makeBase, repin, repinRetryMs, now } = options;
  const shape = store.shape();
  if (shape === undefined) throw new LacunaError("INVALID_OPTION", "the store has no shape yet");
  const { flushDelayMs = 100, checkpointBytes = 1 << 24, memoryBytes = 1 << 22 } = options;
  for (const [name, value] of Object.entries({ flushDelayMs, checkpointBytes, memoryBytes })) {
    if (!(value >= 0)) throw new LacunaError("INVALID_OPTION", `${name} must be at least 0, got ${value}`);
  }
  const random: RandomBytes = options.random ?? ((bytes) => crypto.getRandomValues(bytes));
  const { log, wal } = await LocalLog.open(store, random);
  try {
    await log.bind(store.shape()?.revision ?? shape.revision);
    const base = await makeBase(store);
    try {
      const local: LocalSide = {
        store,
        log,
        wal,
        base,
        makeBase,
        durability: options.durability ?? "durable",
        flushDelayMs,
        checkpointBytes,
        memoryPages: Math.floor(memoryBytes / base.source.pageSize),
        timers: options.timers ?? runtimeTimers,
      };
      const pager: Pager = new Pager(local, {
        repin: repin && ((signal) => repin(pager, signal)),
        repinRetryMs,
        now,
      });
      return pager;
    } catch (error) {
      await base.end(closedError("the pager"));
      throw error;
    }
  } catch (error) {
    await log.close().catch(() => {});
    throw error;
  }
}
