import type { CacheStats } from "@lacuna/cache";
import {
  type DatabaseShape,
  isLacunaError,
  isSyncTransport,
  LacunaError,
  LOCAL_REVISION,
  type PageStore,
  type SyncTransport,
  type TransportTraffic,
} from "@lacuna/page";
import { openPager, type Pager, type PagerBase, type PagerStats } from "@lacuna/pager";
import { TaskHistory } from "@lacuna/prefetch";
import { Bootstrapper } from "./bootstrap.ts";
import type { CapturedTransaction } from "./changes/captured.ts";
import type { ChangeId } from "./changes/change.ts";
import type { PendingChange } from "./changes/change-error.ts";
import { encodeChange } from "./changes/change-record.ts";
import { hydrateNow } from "./hydrate-now.ts";
import type { HydrationTarget } from "./hydration.ts";
import type { IngestOptions } from "./ingest.ts";
import { discard, pendingChanges } from "./pending-changes.ts";
import { Move } from "./pull/move.ts";
import { type PullOptions, pull } from "./pull/pull.ts";
import { type PushContext, type PushResult, push } from "./push/push.ts";
import { SyncState } from "./push/sync-state.ts";
import type { Replica } from "./replica.ts";
import { ReplicaBase } from "./replica-base.ts";
import { sleep } from "./sleep.ts";
import type { SyncedReplicaOptions } from "./synced-replica-options.ts";
import { Turns } from "./turns.ts";

/** What a replica holds, what it has cost so far, and what it has to do with its remote. */
export interface SyncedReplicaStats {
  readonly shape: DatabaseShape;
  /** Pages resident now. */
  readonly residentPages: number;
  readonly traffic: TransportTraffic;
  readonly cache: CacheStats;
  readonly pager: PagerStats;
  /** Seconds since 1970. */
  readonly lastPull: number | undefined;
  /** Seconds since 1970. */
  readonly lastPush: number | undefined;
}

/** A replica that is written to, and takes part in synchronisation. */
export interface SyncedReplica extends Replica {
  readonly pager: Pager;
  stats(): SyncedReplicaStats;
  /** False of a database that never had a remote: then nothing is to be captured. */
  readonly keepsChanges: boolean;
  /** What a transaction did, as it is to be committed along with its pages; nothing where there is no remote. */
  capture(transaction: CapturedTransaction): Uint8Array | undefined;
  /** @see push */
  push(options?: { readonly signal?: AbortSignal | undefined }): Promise<PushResult>;
  /** @see pull */
  pull(options?: PullOptions): Promise<boolean>;
  /** What a push would bring to the remote, change by change. */
  pending(): Promise<PendingChange[]>;
  /**
   * Gives up a change, or with the number of a transaction all of it, so that it is not pushed. It stays in sight until the
   * next pull.
   * @throws {LacunaError} `INVALID_OPTION` if no such change is pending
   */
  discard(change: ChangeId): Promise<void>;
}

const NO_TRAFFIC: TransportTraffic = { requests: 0, sentBytes: 0, receivedBytes: 0 };
const DEFERRED: DatabaseShape = { revision: LOCAL_REVISION, pageSize: 4096, pageCount: 0 };

/**
 * Opens a replica for reading and writing. Otherwise as `openReplica`; and when the remote no longer serves the revision of the
 * replica, local changes that it does not have are repeated over the newest one.
 * @throws what `openReplica` throws; `REPLICA_CORRUPT` if what is kept of its pushes cannot be read
 */
export async function openSyncedReplica(options: SyncedReplicaOptions): Promise<SyncedReplica> {
  const replica = new WritableReplica(options);
  try {
    return await replica.open();
  } catch (error) {
    await replica.close();
    throw error;
  }
}

class WritableReplica implements SyncedReplica {
  readonly #options: SyncedReplicaOptions;
  readonly #bootstrapper: Bootstrapper;
  readonly #state: SyncState;
  readonly #turns = new Turns();
  readonly #now: () => number;
  #base: ReplicaBase | undefined;
  #pager: Pager | undefined;
  #move: Move | undefined;
  #pushes = 0;
  readonly #history = new TaskHistory();
  #closed: Promise<void> | undefined;

  constructor(options: SyncedReplicaOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#bootstrapper = new Bootstrapper(options);
    this.#state = new SyncState(this.#bootstrapper.meta, options.clientName ?? "lacuna");
  }

  get pager(): Pager {
    if (this.#pager === undefined) throw new Error("BUG: a replica was used before it was open");
    return this.#pager;
  }

  async open(): Promise<SyncedReplica> {
    const { store, partial, deferred, signal, onProgress, openSql, transform, durability } = this.#options;
    const during = { signal, onProgress };
    this.#bootstrapper.refuseForeignStore();
    this.#state.load();
    const isNew = store.shape() === undefined;
    if (!isNew) this.#refuseLocalDatabase();
    else if (deferred === true) {
      // First of all: without a name at the remote it would be taken for a database that never had one.
      await this.#takeName();
      await store.reset(DEFERRED);
    } else await this.#bootstrapper.bootstrap(during);
    await this.#takeName();
    this.#pager = await openPager({
      store,
      base: (shown) => this.#makeBase(shown),
      repin: (_, given) => this.#repin(given),
      durability,
    });
    const { pager } = this;
    this.#move = new Move({
      pager,
      state: this.#state,
      bootstrapper: this.#bootstrapper,
      openSql,
      transform,
      onProgress,
      now: this.#now,
    });
    if (!isNew && partial === undefined && store.shape()?.revision !== LOCAL_REVISION)
      await this.#complete(during);
    return this;
  }

  stats(): SyncedReplicaStats {
    const { store, transport } = this.#options;
    if (this.#base === undefined) throw new Error("BUG: a replica was used before it was open");
    const { lastPull, lastPush } = this.#state.facts;
    return {
      shape: this.#shape(),
      residentPages: store.resident().size,
      traffic: transport?.traffic() ?? NO_TRAFFIC,
      cache: this.#base.stats(),
      pager: this.pager.stats(),
      lastPull,
      lastPush,
    };
  }

  get keepsChanges(): boolean {
    return this.#state.isKept;
  }

  capture(transaction: CapturedTransaction): Uint8Array | undefined {
    if (!this.keepsChanges || transaction.items.length === 0) return undefined;
    return encodeChange(transaction, this.#now());
  }

  async push({ signal }: { readonly signal?: AbortSignal | undefined } = {}): Promise<PushResult> {
    const { transform, attempts = 4, pushOperationsThreshold = 10_000 } = this.#options;
    const transport = this.#syncTransport();
    const context: PushContext = {
      transport,
      pending: this.pager,
      state: this.#state,
      limits: { operations: pushOperationsThreshold, bytes: this.#options.pushBytesThreshold ?? 6 << 20 },
      transform,
      attempts,
      pause: (attempt, given) => this.#pause(attempt, given),
      now: this.#now,
    };
    // What is written but not durable could be lost here and be at the remote.
    await this.pager.flush();
    return this.#turns.run(async () => {
      try {
        return await push(context, signal);
      } finally {
        this.#pushes++;
      }
    }, signal);
  }

  async pull(options: PullOptions = {}): Promise<boolean> {
    return pull(
      {
        store: this.#options.store,
        transport: this.#syncTransport(),
        move: this.#moving(),
        turns: this.#turns,
        pushes: () => this.#pushes,
        isStale: () => this.#state.facts.stale === true,
      },
      options,
    );
  }

  async hydrate(target: HydrationTarget, options: IngestOptions = {}): Promise<boolean> {
    return hydrateNow(this.pager, () => this.#base, target, options);
  }

  async pending(): Promise<PendingChange[]> {
    return pendingChanges(this.pager, this.#state);
  }

  discard(change: ChangeId): Promise<void> {
    return this.#turns.run(() => discard(this.pager, this.#state, change));
  }

  close(): Promise<void> {
    this.#closed ??= this.#closeAll();
    return this.#closed;
  }

  async #closeAll(): Promise<void> {
    const { transport, store } = this.#options;
    // What waits for the remote ends first, so that nothing else waits for it.
    await transport?.close();
    try {
      await this.#pager?.close();
    } finally {
      await store.close();
    }
  }

  #shape(): DatabaseShape {
    const shape = this.#options.store.shape();
    if (shape === undefined) throw new Error("BUG: a replica without a shape");
    return shape;
  }

  /** The name at the remote must be known before anything is written that is to be pushed. */
  async #takeName(): Promise<void> {
    if (this.#options.transport !== undefined && !this.#state.isKept) await this.#state.set({});
  }

  /** What was written without a remote is known as pages only, so there is nothing that could be pushed. */
  #refuseLocalDatabase(): void {
    if (this.#options.transport === undefined || this.#state.isKept) return;
    if (this.#shape().revision !== LOCAL_REVISION) return;
    throw new LacunaError(
      "INVALID_OPTION",
      "the path holds a database that was made without a remote, and cannot become a replica of one; use another path",
    );
  }

  #syncTransport(): SyncTransport {
    const { transport } = this.#options;
    if (transport === undefined) {
      throw new LacunaError("NOT_SUPPORTED", "sync is disabled as database was opened without sync support");
    }
    if (isSyncTransport(transport)) return transport;
    throw new LacunaError(
      "NOT_SUPPORTED",
      "this remote can only be read: pushing and pulling need a sync server",
    );
  }

  #moving(): Move {
    if (this.#move === undefined) throw new Error("BUG: a replica was used before it was open");
    return this.#move;
  }

  async #makeBase(store: PageStore): Promise<PagerBase> {
    const base = await ReplicaBase.make(store, this.#options, this.#history);
    if (store === this.#options.store) this.#base = base;
    return base;
  }

  /** Brings what is missing of the whole database, moving to the newest revision if the remote already has. */
  async #complete(options: Parameters<Bootstrapper["complete"]>[0]): Promise<void> {
    try {
      await this.#bootstrapper.complete(options);
    } catch (error) {
      if (!isLacunaError(error, "REVISION_CHANGED")) throw error;
      await this.#moving().toNewest(options.signal);
    }
  }

  /** Moves to the newest revision because the remote dropped that of the replica. */
  async #repin(signal: AbortSignal): Promise<void> {
    const { revision } = this.#shape();
    await this.#turns.run(async () => {
      if (this.#shape().revision === revision) await this.#moving().toNewest(signal);
    }, signal);
  }

  #pause(attempt: number, signal: AbortSignal | undefined): Promise<void> {
    const longest = Math.min(5000, 100 * 2 ** (attempt - 2));
    return (this.#options.sleep ?? sleep)(Math.random() * longest, signal);
  }
}
