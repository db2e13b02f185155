import type { Connection } from "./connection.ts";
import type { Circumstances } from "./connection-setup.ts";
import { settledOrAborted } from "./turn.ts";
import type { View } from "./view.ts";

/** Timers, so that tests need not wait. */
export interface Timers {
  setTimeout(run: () => void, milliseconds: number): unknown;
  clearTimeout(timer: unknown): void;
}

export interface ReaderPoolOptions {
  /** How many instances at most, besides the shared one, unless open cursors keep all of them on older views. */
  readonly size: number;
  /** How long an instance nobody uses stays, if there is another one. */
  readonly idleMilliseconds: number;
  readonly timers: Timers;
  /** Opens an instance. */
  readonly open: (around: Circumstances) => Promise<Connection>;
  /** The same for one that any number of statements share, because none keeps it while it waits for a page. */
  readonly openShared?: ((around: Circumstances) => Promise<Connection>) | undefined;
  /** Ends the opening of instances. */
  readonly signal: AbortSignal;
}

/** An instance lent to one statement. */
export interface Lease {
  readonly connection: Connection;
  /** Others run while it waits, so it must not compute for long, or stay open. */
  readonly shared: boolean;
  /** The statement stays open but does not run: the instance is as good as free. */
  rest(): void;
  /** The statement is about to run on. */
  resume(): void;
  /** Calling it again is harmless. */
  end(): void;
}

interface Reader {
  readonly shared: boolean;
  readonly opening: Promise<Connection>;
  connection: Connection | undefined;
  /** Statements that have the instance or wait for it. */
  active: number;
  /** The same and cursors that rest. */
  holders: number;
  /** Given to nobody any more, and closed once nobody holds it. */
  retired: boolean;
}

/**
 * The instances for reading outside of transactions. One that waits for a page can do nothing else, so a read gets one
 * that is free, or a new one, or, when there are enough of them, the shared one. A read that cannot share queues for the one
 * with the shortest queue.
 */
export class ReaderPool {
  readonly #options: ReaderPoolOptions;
  readonly #readers = new Set<Reader>();
  #idleTimer: unknown;

  constructor(options: ReaderPoolOptions) {
    this.#options = options;
  }

  /** Instances open or being opened. */
  get size(): number {
    return this.#readers.size;
  }

  /** Lends an instance that may read from `view`. `signal` ends the wait for it. */
  async lease(view: View, signal: AbortSignal | undefined, canShare: boolean): Promise<Lease> {
    const reader = this.#choose(view, canShare) ?? this.#open(view, false);
    reader.active++;
    reader.holders++;
    let resting = false;
    let ended = false;
    const lease = {
      rest: () => {
        if (!resting && !ended) reader.active--;
        resting = true;
      },
      resume: () => {
        if (resting && !ended) reader.active++;
        resting = false;
      },
      end: () => {
        if (ended) return;
        lease.rest();
        ended = true;
        reader.holders--;
        this.#tidy(reader);
      },
    };
    try {
      const connection = reader.connection ?? (await settledOrAborted(reader.opening, signal));
      return { connection, shared: reader.shared, ...lease };
    } catch (error) {
      lease.end();
      throw error;
    }
  }

  /** Has every instance replaced by a new one once nobody holds it. */
  renew(): void {
    for (const reader of this.#readers) {
      reader.retired = true;
      this.#tidy(reader);
    }
  }

  /** Closes every instance. What runs on them has to be ended by its signal. */
  async close(): Promise<void> {
    this.#options.timers.clearTimeout(this.#idleTimer);
    const readers = [...this.#readers];
    this.#readers.clear();
    await Promise.all(readers.map(closeReader));
  }

  /** `undefined` for a new one. */
  #choose(view: View, canShare: boolean): Reader | undefined {
    let best: Reader | undefined;
    let shared: Reader | undefined;
    let count = 0;
    for (const reader of this.#readers) {
      if (!reader.shared) count++;
      if (reader.retired || reader.connection?.broken === true) continue;
      const locked = reader.connection?.lockedView;
      if (reader.shared) shared = reader;
      else if (locked !== undefined && !locked.sameState(view)) continue;
      else if (best === undefined || reader.active < best.active) best = reader;
    }
    if (best?.active === 0) return best;
    if (count < this.#options.size) return undefined;
    if (canShare && this.#options.openShared !== undefined) return shared ?? this.#open(view, true);
    return best;
  }

  #open(view: View, shared: boolean): Reader {
    const { signal, open, openShared = open } = this.#options;
    const held = view.retain();
    const around = { signal, view: async () => held.retain() };
    const opening = (shared ? openShared : open)(around).finally(() => held.release());
    const reader: Reader = { shared, opening, connection: undefined, active: 0, holders: 0, retired: false };
    this.#readers.add(reader);
    opening.then(
      (connection) => {
        reader.connection = connection;
      },
      () => {
        // Those who wait for it are told; the next one opens another.
        reader.retired = true;
        this.#readers.delete(reader);
      },
    );
    return reader;
  }

  #tidy(reader: Reader): void {
    if (reader.holders > 0) return;
    if (reader.retired || reader.connection?.broken === true) this.#drop(reader);
    else if (this.#readers.size > 1) {
      const { timers, idleMilliseconds } = this.#options;
      timers.clearTimeout(this.#idleTimer);
      this.#idleTimer = timers.setTimeout(() => this.#dropIdle(), idleMilliseconds);
    }
  }

  #dropIdle(): void {
    // The shared one first: the one that stays is to serve whatever comes.
    for (const shared of [true, false]) {
      for (const reader of this.#readers) {
        const isIdle = reader.shared === shared && reader.holders === 0;
        if (isIdle && this.#readers.size > 1) this.#drop(reader);
      }
    }
  }

  #drop(reader: Reader): void {
    if (this.#readers.delete(reader)) void closeReader(reader);
  }
}

async function closeReader(reader: Reader): Promise<void> {
  const connection = await reader.opening.catch(() => undefined);
  await connection?.close();
}
