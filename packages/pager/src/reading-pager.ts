import { type AbortOptions, closedError, LacunaError, type PrefetchSource } from "@lacuna/page";
import { BaseView } from "./base-view.ts";
import type { PagerOptions } from "./pager.ts";
import { type DatabaseState, PagerSnapshot } from "./pager-snapshot.ts";
import { Repinning } from "./repinning.ts";
import type { PrefetchSnapshot, SnapshotSource } from "./snapshot.ts";

/**
 * Snapshots of a database that is only read: as `Pager`, without all that it takes to write. For programs that must be small.
 */
export class ReadingPager implements SnapshotSource {
  readonly #open = new Set<PagerSnapshot>();
  readonly #closing = new AbortController();
  readonly #repinning: Repinning | undefined;
  #state: DatabaseState;

  /** @throws {LacunaError} `INVALID_OPTION` for an option out of range */
  constructor(options: PagerOptions) {
    const { base, repin, repinRetryMs: retryMs = 1000, now = () => performance.now() } = options;
    if (!(retryMs >= 0)) {
      throw new LacunaError("INVALID_OPTION", `repinRetryMs must be at least 0, got ${retryMs}`);
    }
    this.#state = stateOf(base, 1);
    if (repin === undefined) return;
    const move = async (signal: AbortSignal): Promise<void> => {
      const moved = await repin(signal);
      if (moved !== undefined) this.#state = stateOf(moved, this.#state.version + 1);
    };
    this.#repinning = new Repinning({ repin: move, retryMs, now, closing: this.#closing.signal });
  }

  /** Snapshots that are held. */
  get openSnapshots(): number {
    return this.#open.size;
  }

  /**
   * A promise only where the replica has to move to another revision first.
   * @throws {LacunaError} `CLOSED` after close; from the promise also what kept the replica from moving on, unless the
   *   remote cannot be reached
   * @throws `options.signal.reason` from the promise if aborted
   */
  snapshot(options?: AbortOptions): PrefetchSnapshot | Promise<PrefetchSnapshot> {
    this.#closing.signal.throwIfAborted();
    if (!this.#repinning?.due) return this.#take();
    return this.#repinning.moveOn(options?.signal).then(() => this.#take());
  }

  /**
   * Releases every snapshot and ends every wait with `CLOSED`. Resolves when no re-pin is going on any more. Calling it
   * again is harmless.
   */
  async close(): Promise<void> {
    this.#closing.abort(closedError("the pager"));
    for (const snapshot of [...this.#open]) snapshot.release();
    await this.#repinning?.ended;
  }

  #take(): PagerSnapshot {
    this.#closing.signal.throwIfAborted();
    const snapshot = new PagerSnapshot(this.#state, {
      // A snapshot of an earlier base finds out nothing new.
      revisionChanged: ({ base }) => {
        if (base === this.#state.base) this.#repinning?.markStale();
      },
      released: (released) => this.#open.delete(released),
    });
    this.#open.add(snapshot);
    return snapshot;
  }
}

const stateOf = (source: PrefetchSource, version: number): DatabaseState => ({
  version,
  pageCount: source.pageCount,
  base: new BaseView(source),
  overlay: undefined,
});
