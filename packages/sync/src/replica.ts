import type { CacheStats } from "@lacuna/cache";
import {
  type AbortOptions,
  closedError,
  type DatabaseShape,
  isLacunaError,
  LacunaError,
  type Opening,
  type PrefetchSource,
  type Revision,
  type TransportTraffic,
} from "@lacuna/page";
import { ReadingPager } from "@lacuna/pager";
import { TaskHistory } from "@lacuna/prefetch";
import { Bootstrapper } from "./bootstrap.ts";
import type { HydrationTarget } from "./hydration.ts";
import { type IngestOptions, ingest } from "./ingest.ts";
import { ReplicaBase } from "./replica-base.ts";
import { META_SYNC } from "./replica-meta.ts";
import type { ReplicaOptions } from "./replica-options.ts";

/** What a replica holds and what it has cost so far. */
export interface ReplicaStats {
  readonly shape: DatabaseShape;
  /** Pages resident now. */
  readonly residentPages: number;
  /** Requests and bytes since the replica was opened, opening included. */
  readonly traffic: TransportTraffic;
  /** Pages by cause and use, since the replica was pinned to its revision. */
  readonly cache: CacheStats;
}

/** A local copy, whole or in part, of one database at one revision of its remote. */
export interface Replica {
  /** The view SQL runs on. */
  readonly pager: Pick<ReadingPager, "snapshot" | "openSnapshots">;
  stats(): ReplicaStats;
  /**
   * Brings pages of the revision shown so that they are here.
   * @returns false if the remote cannot say what a query touches: then nothing was done
   * @throws {LacunaError} `INVALID_OPTION` if there is no such table; `STORAGE_FULL` if not all of them could be kept; what
   *   the remote reported
   * @throws `options.signal.reason` if aborted; what came by then is kept
   */
  hydrate(target: HydrationTarget, options?: IngestOptions): Promise<boolean>;
  /** Ends all waiting with `CLOSED` and gives up the store and the transport. Calling it again is harmless. */
  close(): Promise<void>;
}

const NO_TRAFFIC: TransportTraffic = { requests: 0, sentBytes: 0, receivedBytes: 0 };

/**
 * Opens a replica. One that was opened before is served from where it is, without a request, unless the whole
 * database is wanted and some of it is missing. A new one asks the remote for its newest revision and is pinned to it:
 * every later fetch names that revision. When the remote no longer serves it, the statement that found out fails with
 * `REVISION_CHANGED`, and the next one moves the replica to the newest revision.
 *
 * If opening fails, the store and the transport are closed.
 * @throws {LacunaError} what the store or the transport reported; `OFFLINE` for a new replica without a remote;
 *   `INVALID_OPTION` if the store holds a replica of another remote
 * @throws `options.signal.reason` if aborted
 */
export async function openReplica(options: ReplicaOptions): Promise<Replica> {
  const pinned = new PinnedReplica(options);
  try {
    return await pinned.open();
  } catch (error) {
    await pinned.close();
    throw error;
  }
}

class PinnedReplica implements Replica {
  readonly #options: ReplicaOptions;
  readonly #bootstrapper: Bootstrapper;
  #pager: ReadingPager | undefined;
  #base: ReplicaBase | undefined;
  #closed: Promise<void> | undefined;
  readonly #history = new TaskHistory();

  constructor(options: ReplicaOptions) {
    this.#options = options;
    this.#bootstrapper = new Bootstrapper(options);
  }

  get pager(): ReadingPager {
    if (this.#pager === undefined) throw new Error("BUG: a replica was used before it was open");
    return this.#pager;
  }

  async open(): Promise<Replica> {
    const { store, partial, signal, onProgress } = this.#options;
    const during = { signal, onProgress };
    this.#bootstrapper.refuseForeignStore();
    this.#refuseWrittenStore();
    if (store.shape() === undefined) await this.#bootstrapper.bootstrap(during);
    else if (partial === undefined) await this.#complete(during);
    this.#pager = new ReadingPager({ base: await this.#source(), repin: (given) => this.#repin(given) });
    return this;
  }

  stats(): ReplicaStats {
    const { store, transport } = this.#options;
    if (this.#base === undefined) throw new Error("BUG: a replica was used before it was open");
    return {
      shape: this.#shape(),
      residentPages: store.resident().size,
      traffic: transport?.traffic() ?? NO_TRAFFIC,
      cache: this.#base.stats(),
    };
  }

  async hydrate(target: HydrationTarget, options: IngestOptions = {}): Promise<boolean> {
    // Most programs that only read never come here.
    const { hydrateNow } = await import("./hydrate-now.ts");
    return hydrateNow(this.pager, () => this.#base, target, options);
  }

  close(): Promise<void> {
    this.#closed ??= this.#closeAll();
    return this.#closed;
  }

  async #closeAll(): Promise<void> {
    await this.#pager?.close();
    await this.#base?.end(closedError("the replica"));
    await this.#options.transport?.close();
    await this.#options.store.close();
  }

  #shape(): DatabaseShape {
    const shape = this.#options.store.shape();
    if (shape === undefined) throw new Error("BUG: a replica without a shape");
    return shape;
  }

  /** Local changes lie over pages of one revision, which reading alone would replace. */
  #refuseWrittenStore(): void {
    if (this.#bootstrapper.meta.get(META_SYNC) === undefined) return;
    throw new LacunaError(
      "INVALID_OPTION",
      "the path holds a replica that is written to: it must be opened for writing",
    );
  }

  /** Brings what is missing of the whole database, moving to the newest revision if the remote already has. */
  async #complete(options: IngestOptions): Promise<void> {
    try {
      await this.#bootstrapper.complete(options);
    } catch (error) {
      if (!isLacunaError(error, "REVISION_CHANGED")) throw error;
      await this.#bootstrapper.bootstrap(options);
    }
  }

  async #repin(signal: AbortOptions["signal"]): Promise<PrefetchSource> {
    const options = { signal, onProgress: this.#options.onProgress };
    const opening = await this.#bootstrapper.ask(options);
    const { revision } = this.#shape();
    if (opening.shape.revision === revision) {
      await opening.pages[Symbol.asyncIterator]().return?.();
      await this.#base?.end(closedError("the cache"));
    } else {
      // Nothing of the old revision may still be on its way into the store once it belongs to the new one.
      await this.#base?.end(movedOn(revision, opening.shape.revision));
      await this.#bootstrapper.pin(opening.shape);
      await this.#ingestWhatArrives(opening, options);
    }
    return await this.#source();
  }

  /** After the pin, a partial replica is whole without its bootstrap pages too: they come when they are needed. */
  async #ingestWhatArrives(opening: Opening, options: IngestOptions): Promise<void> {
    try {
      await ingest(this.#options.store, opening.shape, opening.pages, options);
    } catch (error) {
      const lazily = this.#options.partial !== undefined && isLacunaError(error);
      if (!lazily) throw error;
    }
  }

  async #source(): Promise<PrefetchSource> {
    this.#base = await ReplicaBase.make(this.#options.store, this.#options, this.#history);
    return this.#base.source;
  }
}

function movedOn(from: Revision, to: Revision): LacunaError {
  return new LacunaError("REVISION_CHANGED", `the replica moved from revision ${from} to ${to}`);
}
