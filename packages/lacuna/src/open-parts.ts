import { isSyncTransport, LacunaError, type PageStore, type SyncTransport } from "@lacuna/page";
import { predictors } from "@lacuna/prefetch";
import { openSqlite, type SqlDatabase } from "@lacuna/sqlite";
import { cappedStore } from "@lacuna/storage/capped";
import { openSyncedReplica, type SyncedReplica, type SyncedReplicaOptions } from "@lacuna/sync";
import { localFiles } from "#local-files";
import type { CheckedOptions } from "./check-options.ts";
import { harmless, type Listeners, toldFetch } from "./events.ts";
import { openStore } from "./local-store.ts";
import type { PartialSyncOptions, PrefetchReason } from "./options.ts";
import { nameOf, openRemote, type Remote } from "./remote.ts";
import { RemoteSession } from "./remote-writes/remote-session.ts";
import { withRemoteWrites } from "./remote-writes/with-remote-writes.ts";
import { replaySql } from "./replay-sql.ts";
import type { StorageFacts } from "./storage-options.ts";
import { syncUse } from "./sync-use.ts";

const DEFAULT_PREFIX_BYTES = 128 * 1024;

/** What of a replica there is for a database. */
export type OpenReplica = Pick<
  SyncedReplica,
  "stats" | "push" | "pull" | "pending" | "discard" | "hydrate" | "close"
> & { readonly pager: Pick<SyncedReplica["pager"], "checkpoint"> };

/** What is open between `connect` and `close`. `sql` is closed first. */
export interface Parts {
  readonly replica: OpenReplica;
  readonly sql: SqlDatabase;
  /** Brings what `stats` tell up to date, where that takes asking. */
  readonly refresh?: (() => Promise<void>) | undefined;
  /** What the storage takes and may take. */
  readonly storage?: (() => Promise<StorageFacts | undefined>) | undefined;
}

export interface OpenPartsHow {
  readonly listeners: Listeners;
  readonly safeIntegers: boolean;
  /** Ends the opening. */
  readonly signal: AbortSignal;
  /** Ends the database. */
  readonly closing: AbortSignal;
}

/** Opens the database, or joins those of the browser's tabs that have it open. */
export async function openParts(options: CheckedOptions, how: OpenPartsHow): Promise<Parts> {
  how.signal.throwIfAborted();
  const { path, remoteWrites, store, tabs, url } = options;
  const open = (given: OpenPartsHow): Promise<Parts> => openOwnParts(options, given);
  const { facts, share } = localFiles;
  if (store !== undefined || path === ":memory:") return open(how);
  const remote = typeof url === "string" ? nameOf(url) : undefined;
  // A transaction at the remote is that of one tab.
  const shares = share !== undefined && tabs !== "exclusive" && remoteWrites !== true;
  const parts = await (shares ? share({ ...how, path, remote, open }) : open(how));
  return { ...parts, storage: facts };
}

/** Opens the remote, the store, the replica and SQL over it. If something fails, what is open is closed. */
async function openOwnParts(options: CheckedOptions, how: OpenPartsHow): Promise<Parts> {
  const { listeners, safeIntegers, signal } = how;
  signal.throwIfAborted();
  const remote = openRemote({ ...options, fetch: toldFetch(options.fetch, listeners) }, localFiles, syncUse);
  const store = await openCappedStore(options);
  const replica = await openSyncedReplica({ ...replicaOptions(options, remote), store, signal });
  try {
    const { driver, readers, doubleQuotedStrings, wasm, now } = options;
    const { prefetch } = options.partialSync ?? {};
    const sql = await openSqlite({
      source: replica.pager,
      driver,
      readers,
      doubleQuotedStrings,
      wasm,
      safeIntegers,
      // Where nothing is to be fetched ahead, statements are not run ahead either.
      runAhead: causesOf(prefetch)?.includes("run-ahead") ?? prefetch !== false,
      now,
      signal,
      capture: replica.keepsChanges ? (transaction) => replica.capture(transaction) : undefined,
      onCommit: () => listeners.tell("change", { from: "local" }),
    });
    signal.throwIfAborted();
    if (options.remoteWrites !== true) return { replica, sql };
    const session = new RemoteSession(syncTransportOf(remote), async (during) => {
      if (await replica.pull({ signal: during })) listeners.tell("change", { from: "remote" });
    });
    return { replica, sql: withRemoteWrites(sql, session, safeIntegers) };
  } catch (error) {
    await replica.close();
    throw error;
  }
}

async function openCappedStore(options: CheckedOptions): Promise<PageStore> {
  const store = await openStore(options, localFiles);
  return options.maxBytes === undefined ? store : cappedStore(store, { maxBytes: options.maxBytes });
}

function syncTransportOf(remote: Remote | undefined): SyncTransport {
  if (remote !== undefined && isSyncTransport(remote.transport)) return remote.transport;
  throw new LacunaError("NOT_SUPPORTED", "option remoteWrites needs a sync server");
}

function replicaOptions(
  options: CheckedOptions,
  remote: Remote | undefined,
): Omit<SyncedReplicaOptions, "store" | "signal"> {
  const { partialSync, url } = options;
  const { bootstrapStrategy: strategy, segmentSize, prefetch } = partialSync ?? {};
  const isPaused = typeof url === "function" && url() === null;
  return {
    transport: remote?.transport,
    remoteName: remote?.name,
    partial:
      partialSync === undefined && remote !== undefined
        ? undefined
        : strategy?.kind === "query"
          ? { kind: "query", sql: strategy.query }
          : { kind: "prefix", bytes: strategy?.length ?? DEFAULT_PREFIX_BYTES },
    pullBytesThreshold: options.pullBytesThreshold,
    segmentBytes: segmentSize,
    memoryBytes: options.memoryBytes,
    prefetch: prefetch === false ? false : (given) => predictors({ ...given, causes: causesOf(prefetch) }),
    onProgress: options.onProgress,
    onPages: options.onPages && harmless(options.onPages),
    openSql: replaySql(options),
    clientName: options.clientName,
    transform: options.transform,
    pushOperationsThreshold: options.pushOperationsThreshold,
    attempts: options.attempts,
    durability: options.durability,
    deferred: remote === undefined || isPaused || options.bootstrapIfEmpty === false,
  };
}

/** The causes that were named; `undefined` for all of them, or none. */
const causesOf = (prefetch: PartialSyncOptions["prefetch"]): readonly PrefetchReason[] | undefined =>
  typeof prefetch === "object" ? prefetch : undefined;
