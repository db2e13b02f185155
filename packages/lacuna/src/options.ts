import type { CacheEvent } from "@lacuna/cache";
import type { PageStore, PrefetchCause } from "@lacuna/page";
import type { SqliteOptions } from "@lacuna/sqlite";
import type { Progress, Transform } from "@lacuna/sync";
import type { RemoteOptions } from "./remote-options.ts";
import type { StorageOptions } from "./storage-options.ts";

/** What `onPages` is told. */
export type PagesEvent = CacheEvent;

/** What of the database comes at opening. */
export type BootstrapStrategy =
  /** The first `length` bytes of the database file. */
  | { readonly kind: "prefix"; readonly length: number }
  /** The pages that running `query` touches. The remote must be able to run SQL. */
  | { readonly kind: "query"; readonly query: string };

/** Why pages are fetched ahead of a reader of SQL. */
export type PrefetchReason = Extract<
  PrefetchCause,
  "run-ahead" | "overflow" | "scan" | "index-rows" | "children" | "history"
>;

export interface PartialSyncOptions {
  /** @default { kind: "prefix", length: 131072 } */
  readonly bootstrapStrategy?: BootstrapStrategy | undefined;
  /**
   * Bytes fetched together when a page is missing: aligned, rounded down to whole pages, at least one page. Larger means
   * fewer round trips and more bytes nobody reads. `"auto"` leaves it to prefetch what comes along with the page, and where
   * prefetch is off takes about what the connection carries in a round trip.
   * @default "auto" with prefetch, 131072 without
   */
  readonly segmentSize?: number | "auto" | undefined;
  /**
   * Fetch pages ahead of the reader, only on evidence; or only for some causes: `"run-ahead"` runs statements ahead of
   * themselves, the others go by the structure of the database and by what statements came to before.
   * @default true
   */
  readonly prefetch?: boolean | readonly PrefetchReason[] | undefined;
}

export interface ConnectOptions extends RemoteOptions {
  /** Local file that keeps the replica, or `":memory:"`. `PATH-info`, `-lock`, `-wal`, `-changes` and `-pull` lie beside it. */
  readonly path: string;
  /** Absent: the whole database is brought at opening. */
  readonly partialSync?: PartialSyncOptions | undefined;
  /** Another name of `partialSync`. */
  readonly partialSyncExperimental?: PartialSyncOptions | undefined;
  /** Bytes of pages asked for in one request while the whole database is brought; absent: all in one. */
  readonly pullBytesThreshold?: number | undefined;
  /**
   * Bring the remote's database at the first opening, rather than begin with an empty one and bring it with the first pull.
   * Where `url` is a function that gives `null` at the first opening, it is brought with the first pull in any case.
   * @default true
   */
  readonly bootstrapIfEmpty?: boolean | undefined;
  /**
   * Begins the name by which the remote knows this replica.
   * @default "lacuna"
   */
  readonly clientName?: string | undefined;
  /** Keeps, skips or rewrites each change of a row before it is pushed, and before it is repeated over what was pulled. */
  readonly transform?: Transform | undefined;
  /** How long the remote may wait for something new when `pull` is called, in milliseconds; absent: not at all. */
  readonly longPollTimeoutMs?: number | undefined;
  /**
   * A request of a push is closed behind the transaction with which it has so many statements.
   * @default 10000
   */
  readonly pushOperationsThreshold?: number | undefined;
  /**
   * Run statements that write at the remote, and pull what they did.
   * @default false
   */
  readonly remoteWrites?: boolean | undefined;
  /** Another name of `remoteWrites`. */
  readonly remoteWritesExperimental?: boolean | undefined;
  /**
   * When a write resolves: once it is durable, or, `"relaxed"`, once it is in memory; a crash may then lose the last ones,
   * each whole.
   * @default "durable"
   */
  readonly durability?: "durable" | "relaxed" | undefined;
  /** Only `false` is accepted: pages are what is pulled. */
  readonly logicalMvccPull?: false | undefined;
  /** Accepted and not needed: listen to events instead. */
  readonly tracing?: "error" | "warn" | "info" | "debug" | "trace" | undefined;
  /** Engine features of other clients, such as `"views"`. SQLite has them all; the list is accepted and not needed. */
  readonly experimental?: readonly string[] | undefined;

  /**
   * Bytes of pages kept in memory besides the local store.
   * @default 33554432
   */
  readonly memoryBytes?: number | undefined;
  /**
   * Bytes of pages kept locally at most, from 1048576; beyond that, those used the longest ago are dropped, and fetched again when
   * they are wanted. The schema and the interior pages of trees stay in any case, as does what was written here. Hydrating more
   * than that keeps a part of it and fails with `STORAGE_FULL`. Needs `partialSync`.
   * @default no limit
   */
  readonly maxBytes?: number | undefined;
  readonly storage?: StorageOptions | undefined;
  /**
   * How the tabs of a browser, its pages and workers, have one path open. `"share"`: one of them owns the replica and serves the
   * others, whose calls are the same; when it closes or is gone, the next one takes over. What is told while it is opened or
   * fetches goes to the owner, and its options are those that count. `"exclusive"`: a second one fails with `LOCKED`, as it does
   * with `remoteWrites`, and in every other runtime, whatever is given here.
   * @default "share"
   */
  readonly tabs?: "share" | "exclusive" | undefined;
  /** Takes the pages instead of `path`. Owned and closed by the database. */
  readonly store?: PageStore | undefined;
  /** Told how the opening goes, batch by batch. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /**
   * Told of every request for missing pages, of every page that comes and why, and of its first use: what a live picture of
   * the database needs. Pages that come at opening are not among them.
   */
  readonly onPages?: ((event: PagesEvent) => void) | undefined;
  /** Ends the opening with the signal's reason. */
  readonly signal?: AbortSignal | undefined;

  /**
   * How SQLite waits for a page: `"jspi"` suspends WebAssembly, `"restart"` runs the statement again, `"auto"` takes
   * the first that the runtime can do.
   * @default "auto"
   */
  readonly driver?: SqliteOptions["driver"];
  /**
   * SQLite's WebAssembly: compiled, as bytes, or by its address.
   * @default the one of the installed `@sqlite.org/sqlite-wasm`
   */
  readonly wasm?: SqliteOptions["wasm"];
  /**
   * Instances of SQLite that read at the same time, at most, from 1 to 64; short statements beyond them share one more.
   * @default 4
   */
  readonly readers?: number | undefined;
  /**
   * Take `"text"` that is no column for a string, as SQLite once did.
   * @default false
   */
  readonly doubleQuotedStrings?: boolean | undefined;
}
