import { parseDatabaseHeader } from "@lacuna/btree";
import { type CacheStats, SegmentCache } from "@lacuna/cache";
import {
  type AbortOptions,
  type Bootstrap,
  type DatabaseShape,
  isLacunaError,
  LacunaError,
  type Opening,
  type PageNo,
  type PrefetchSource,
  pageNo,
  type Revision,
  type TransportTraffic,
} from "@lacuna/page";
import { Pager } from "@lacuna/pager";
import { structurePredictor, withPrefetch } from "@lacuna/prefetch";
import { fetchMissing, type IngestOptions, ingest, missingPages } from "./ingest.ts";
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
  readonly pager: Pager;
  stats(): ReplicaStats;
  /** Ends all waiting with `CLOSED` and gives up the store and the transport. Calling it again is harmless. */
  close(): Promise<void>;
}

const META_REMOTE = "remote";
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
  #pager: Pager | undefined;
  #cache: SegmentCache | undefined;
  #closed: Promise<void> | undefined;

  constructor(options: ReplicaOptions) {
    this.#options = options;
  }

  get pager(): Pager {
    if (this.#pager === undefined) throw new Error("BUG: a replica was used before it was open");
    return this.#pager;
  }

  async open(): Promise<Replica> {
    const { store, partial, signal, onProgress } = this.#options;
    const during = { signal, onProgress };
    this.#refuseForeignStore();
    if (store.shape() === undefined) await this.#bootstrap(during);
    else if (partial === undefined) await this.#complete(during);
    this.#pager = new Pager({ base: await this.#source(), repin: (given) => this.#repin(given) });
    return this;
  }

  stats(): ReplicaStats {
    const { store, transport } = this.#options;
    if (this.#cache === undefined) throw new Error("BUG: a replica was used before it was open");
    return {
      shape: this.#shape(),
      residentPages: store.resident().size,
      traffic: transport?.traffic() ?? NO_TRAFFIC,
      cache: this.#cache.stats(),
    };
  }

  close(): Promise<void> {
    this.#closed ??= this.#closeAll();
    return this.#closed;
  }

  async #closeAll(): Promise<void> {
    await this.#pager?.close();
    await this.#cache?.close();
    await this.#options.transport?.close();
    await this.#options.store.close();
  }

  #shape(): DatabaseShape {
    const shape = this.#options.store.shape();
    if (shape === undefined) throw new Error("BUG: a replica without a shape");
    return shape;
  }

  #refuseForeignStore(): void {
    const { store, remoteName } = this.#options;
    const known = store.meta()[META_REMOTE];
    if (known === undefined || remoteName === undefined || known === remoteName) return;
    throw new LacunaError(
      "INVALID_OPTION",
      `the path holds a replica of ${known}, and was opened for ${remoteName}; use another path, or remove the replica`,
      { url: remoteName },
    );
  }

  /** Pins the store to the newest revision of the remote and brings the pages that come at opening. */
  async #bootstrap(options: IngestOptions): Promise<void> {
    const opening = await this.#ask(options);
    await this.#pin(opening.shape);
    await ingest(this.#options.store, opening.shape, opening.pages, options);
    if (this.#options.partial === undefined) await this.#fetchMissing(options);
  }

  #ask({ signal }: IngestOptions): Promise<Opening> {
    const { transport } = this.#options;
    if (transport === undefined) {
      throw new LacunaError("OFFLINE", "there is no replica yet and no remote to make one from");
    }
    return transport.open({ bootstrap: this.#wanted(), ...(signal === undefined ? {} : { signal }) });
  }

  async #pin(shape: DatabaseShape): Promise<void> {
    const { store, remoteName } = this.#options;
    await store.reset(shape);
    if (remoteName !== undefined) await store.setMeta({ [META_REMOTE]: remoteName });
  }

  #wanted(): Bootstrap {
    const { partial, pullBytesThreshold = 0 } = this.#options;
    if (partial !== undefined) return partial;
    return pullBytesThreshold > 0 ? { kind: "prefix", bytes: pullBytesThreshold } : { kind: "full" };
  }

  /** Brings what is missing of the whole database, moving to the newest revision if the remote already has. */
  async #complete(options: IngestOptions): Promise<void> {
    if (missingPages(this.#options.store, this.#shape()).length === 0) return;
    try {
      await this.#fetchMissing(options);
    } catch (error) {
      if (!isLacunaError(error, "REVISION_CHANGED")) throw error;
      await this.#bootstrap(options);
    }
  }

  async #fetchMissing(options: IngestOptions): Promise<void> {
    const { store, transport, pullBytesThreshold = 0 } = this.#options;
    if (transport === undefined) {
      const page = missingPages(store, this.#shape())[0];
      throw new LacunaError("OFFLINE", "not resident, and there is no remote to fetch it from", { page });
    }
    const chunkBytes = pullBytesThreshold > 0 ? pullBytesThreshold : undefined;
    await fetchMissing(store, this.#shape(), transport, { ...options, chunkBytes });
  }

  async #repin(signal: AbortOptions["signal"]): Promise<PrefetchSource> {
    const options = { signal, onProgress: this.#options.onProgress };
    const opening = await this.#ask(options);
    const { revision } = this.#shape();
    if (opening.shape.revision === revision) {
      await opening.pages[Symbol.asyncIterator]().return?.();
      await this.#cache?.close();
    } else {
      // Nothing of the old revision may still be on its way into the store once it belongs to the new one.
      await this.#cache?.abandon(movedOn(revision, opening.shape.revision));
      await this.#pin(opening.shape);
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
    const { store, transport, segmentBytes, memoryBytes, prefetch = true } = this.#options;
    const shape = this.#shape();
    const cache = new SegmentCache({
      store,
      transport,
      shape,
      segmentBytes: prefetch ? singly(segmentBytes) : segmentBytes,
      memoryBytes,
    });
    this.#cache = cache;
    if (!prefetch || transport === undefined) return cache;
    const usableSize = await this.#usableSize(shape);
    const peek = (page: PageNo): Uint8Array | undefined => cache.peek(page);
    return withPrefetch(cache, structurePredictor({ usableSize, peek }));
  }

  /** Bytes of a page that belong to the B-trees: some databases reserve the end of every page. */
  async #usableSize(shape: DatabaseShape): Promise<number> {
    const [first] = await this.#options.store.get([pageNo(1)]);
    if (first === undefined) return shape.pageSize;
    return parseDatabaseHeader(first).usableSize;
  }
}

/** With prefetch, what is near a page is fetched on evidence only, unless a size was given. */
const singly = (segmentBytes: number | "auto" | undefined): number =>
  typeof segmentBytes === "number" ? segmentBytes : 1;

function movedOn(from: Revision, to: Revision): LacunaError {
  return new LacunaError("REVISION_CHANGED", `the replica moved from revision ${from} to ${to}`);
}
