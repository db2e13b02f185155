import { closedError, type PrefetchSource } from "@lacuna/page";
import { BaseView } from "./base-view.ts";
import { type DatabaseState, PagerSnapshot, type SnapshotOwner } from "./pager-snapshot.ts";

/** A state that has no version yet. */
export type NextState = Omit<DatabaseState, "version">;

/** The states of a database, one after the other, and the snapshots of them that are held. */
export class Versions {
  readonly #open = new Set<PagerSnapshot>();
  readonly #closing = new AbortController();
  readonly #onStale: () => void;
  #state: DatabaseState;

  /** @param onStale a reader of the newest state found out that the remote no longer serves its revision */
  constructor(first: NextState, onStale: () => void = () => {}) {
    this.#onStale = onStale;
    this.#state = { ...first, version: 1 };
  }

  /** The newest state. */
  get state(): DatabaseState {
    return this.#state;
  }

  /** Aborts on close. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** Those that are held, of transactions too. */
  get openSnapshots(): ReadonlySet<PagerSnapshot> {
    return this.#open;
  }

  snapshot(): PagerSnapshot {
    this.#closing.signal.throwIfAborted();
    const owner: SnapshotOwner = {
      revisionChanged: ({ base }) => {
        // A snapshot of an earlier base finds out nothing new.
        if (base === this.#state.base) this.#onStale();
      },
      released: (released) => this.#open.delete(released),
    };
    const snapshot = new PagerSnapshot(this.#state, owner);
    this.#open.add(snapshot);
    return snapshot;
  }

  /** Other pages, another base or another overlay make another version. @returns which */
  replace(next: NextState): number {
    const version = this.#state.version + 1;
    this.#state = { ...next, version };
    return version;
  }

  /** Ends every snapshot with `CLOSED`. */
  close(): void {
    this.#closing.abort(closedError("the pager"));
    for (const snapshot of [...this.#open]) snapshot.release();
  }
}

/** The pages of a source, with nothing over them. */
export const stateOf = (source: PrefetchSource): NextState => ({
  base: new BaseView(source),
  pageCount: source.pageCount,
  overlay: undefined,
});
