import type { AbortOptions, PrefetchSource } from "@lacuna/page";
import { Repinning } from "./repinning.ts";
import type { PrefetchSnapshot, SnapshotSource } from "./snapshot.ts";
import { stateOf, Versions } from "./versions.ts";

export interface ReadingPagerOptions {
  /** The pages to begin with. It stays the caller's: `close` does not close it. */
  readonly base: PrefetchSource;
  /**
   * Moves to the remote's newest revision and resolves with its pages. Called when a read found that the remote no longer
   * serves the revision of the base, once for all who wait; `signal` aborts when none of them does any more, and on
   * close. Until it resolves the old base goes on serving the snapshots that are held.
   * @default none: the base stays what it is
   */
  readonly repin?: ((signal: AbortSignal) => Promise<PrefetchSource>) | undefined;
  /**
   * Milliseconds from a failed re-pin, because the remote cannot be reached, until a snapshot tries it again.
   * @default 1000
   */
  readonly repinRetryMs?: number | undefined;
  /**
   * Milliseconds on a clock that never goes back.
   * @default performance.now
   */
  readonly now?: (() => number) | undefined;
}

/**
 * Snapshots of a database that is only read, and what it takes to move to another revision of the remote: a read that
 * fails with `REVISION_CHANGED` marks the base as stale, and the next snapshot is of the newest revision. Snapshots never
 * change; those of a stale base go on showing what is resident and fail with `REVISION_CHANGED` where it is not.
 *
 * Where the remote cannot be reached, snapshots go on being of the stale base, and what is resident can be read.
 */
export class ReadingPager implements SnapshotSource {
  readonly #versions: Versions;
  readonly #repinning: Repinning;

  /** @throws {LacunaError} `INVALID_OPTION` for an option out of range */
  constructor({ base, repin, repinRetryMs, now }: ReadingPagerOptions) {
    this.#versions = new Versions(stateOf(base), () => this.#repinning.markStale());
    this.#repinning = new Repinning({
      repin:
        repin &&
        (async (signal) => {
          this.#versions.replace(stateOf(await repin(signal)));
        }),
      repinRetryMs,
      now,
      closing: this.#versions.closing,
    });
  }

  /** Snapshots that are held. */
  get openSnapshots(): number {
    return this.#versions.openSnapshots.size;
  }

  /**
   * A promise only where it has to move to another revision first.
   * @throws {LacunaError} `CLOSED` after close; from the promise also what kept it from moving on, unless the remote
   *   cannot be reached
   * @throws `options.signal.reason` from the promise if aborted
   */
  snapshot(options?: AbortOptions): PrefetchSnapshot | Promise<PrefetchSnapshot> {
    this.#versions.closing.throwIfAborted();
    if (!this.#repinning.due) return this.#versions.snapshot();
    return this.#repinning.moveOn(options?.signal).then(() => {
      options?.signal?.throwIfAborted();
      return this.#versions.snapshot();
    });
  }

  /**
   * Releases every snapshot and ends every wait with `CLOSED`. Resolves when nothing is going on any more. Calling it again
   * is harmless.
   */
  async close(): Promise<void> {
    this.#versions.close();
    await this.#repinning.ended;
  }
}
