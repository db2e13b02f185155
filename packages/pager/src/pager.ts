import {
  type AbortOptions,
  closedError,
  Flight,
  isLacunaError,
  LacunaError,
  type PrefetchSource,
} from "@lacuna/page";
import { BaseSnapshot } from "./base-snapshot.ts";
import type { PrefetchSnapshot, Snapshot, SnapshotSource } from "./snapshot.ts";

type Repin = (signal: AbortSignal) => Promise<PrefetchSource>;

export interface PagerOptions {
  /** The pages to begin with. It stays the caller's: `close` does not close it. */
  readonly base: PrefetchSource;
  /**
   * Moves to the remote's newest revision and resolves with its pages. Called when a read found that the remote no longer
   * serves the revision of the base, once for all who wait; `signal` aborts when none of them does any more, and on
   * close. Until it resolves the old base goes on serving the snapshots that are held.
   * @default none: the base stays what it is
   */
  readonly repin?: Repin | undefined;
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
 * Hands out snapshots of a database and moves on when the remote has: a read that fails with `REVISION_CHANGED` marks the
 * base as stale, and the next snapshot is of the newest revision. Snapshots never change; those of a stale base go on
 * showing what is resident and fail with `REVISION_CHANGED` where it is not.
 *
 * Where the remote cannot be reached, snapshots go on being of the stale base, and what is resident can be read.
 */
export class Pager implements SnapshotSource {
  readonly #repin: Repin | undefined;
  readonly #repinRetryMs: number;
  readonly #now: () => number;
  readonly #open = new Set<Snapshot>();
  readonly #closing = new AbortController();
  #base: PrefetchSource;
  /** Of the newest state. */
  #version = 1;
  #stale = false;
  /** When the next re-pin may be tried. */
  #repinAt = Number.NEGATIVE_INFINITY;
  #repinning: Flight<void> | undefined;
  /** Resolves when the re-pin that was begun last has ended. */
  #repinEnded: Promise<void> = Promise.resolve();

  /** @throws {LacunaError} `INVALID_OPTION` for an option out of range */
  constructor(options: PagerOptions) {
    const { base, repin, repinRetryMs = 1000, now = () => performance.now() } = options;
    if (!(repinRetryMs >= 0)) {
      throw new LacunaError("INVALID_OPTION", `repinRetryMs must be at least 0, got ${repinRetryMs}`);
    }
    this.#base = base;
    this.#repin = repin;
    this.#repinRetryMs = repinRetryMs;
    this.#now = now;
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
    const due = this.#repinning !== undefined || this.#now() >= this.#repinAt;
    if (this.#repin === undefined || !this.#stale || !due) return this.#take();
    return this.#moveOn(this.#repin, options?.signal);
  }

  /**
   * Releases every snapshot and ends every wait with `CLOSED`. Resolves when no re-pin is going on any more. Calling it
   * again is harmless.
   */
  async close(): Promise<void> {
    this.#closing.abort(closedError("the pager"));
    for (const snapshot of [...this.#open]) snapshot.release();
    await this.#repinEnded;
  }

  #take(): PrefetchSnapshot {
    this.#closing.signal.throwIfAborted();
    const base = this.#base;
    const snapshot: PrefetchSnapshot = new BaseSnapshot(base, this.#version, {
      revisionChanged: () => {
        // A snapshot of an earlier base finds out nothing new.
        if (base === this.#base) this.#stale = true;
      },
      released: () => this.#open.delete(snapshot),
    });
    this.#open.add(snapshot);
    return snapshot;
  }

  async #moveOn(repin: Repin, signal: AbortSignal | undefined): Promise<PrefetchSnapshot> {
    if (this.#repinning === undefined || this.#repinning.abandoned) {
      this.#repinning = new Flight((unwanted) => this.#untilClosed(this.#begin(repin, unwanted)));
    }
    await this.#repinning.join(signal);
    return this.#take();
  }

  /** Begins a re-pin when the one before has ended: both would write to the same store. */
  #begin(repin: Repin, unwanted: AbortSignal): Promise<void> {
    const signal = AbortSignal.any([unwanted, this.#closing.signal]);
    const running = this.#repinEnded
      .then(() => this.#adopt(repin, signal))
      .finally(() => {
        // Before its waiters hear of it, so that a failure is forgotten when they try again.
        if (this.#repinEnded === ended) this.#repinning = undefined;
      });
    const ended = running.catch(() => {});
    this.#repinEnded = ended;
    return running;
  }

  /** What a re-pin brings is taken also when nobody waits for it any more: the old base may be gone by then. */
  async #adopt(repin: Repin, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (!this.#stale) return;
    try {
      this.#base = await repin(signal);
      this.#version++;
      this.#stale = false;
    } catch (error) {
      if (!isUnreachable(error)) throw error;
      this.#repinAt = this.#now() + this.#repinRetryMs;
    }
  }

  #untilClosed(running: Promise<void>): Promise<void> {
    const { signal } = this.#closing;
    let onClose = (): void => {};
    const closed = new Promise<never>((_, reject) => {
      onClose = () => reject(signal.reason);
      signal.addEventListener("abort", onClose, { once: true });
    });
    return Promise.race([running, closed]).finally(() => signal.removeEventListener("abort", onClose));
  }
}

function isUnreachable(error: unknown): boolean {
  return (
    isLacunaError(error, "NETWORK") || isLacunaError(error, "TIMEOUT") || isLacunaError(error, "OFFLINE")
  );
}
