import type { OpenPagerOptions } from "@lacuna/pager";
import type { OpenReplaySql } from "./pull/replay.ts";
import type { ReplicaOptions } from "./replica-options.ts";
import type { Transform } from "./statements/transform.ts";

export interface SyncedReplicaOptions extends ReplicaOptions {
  /** SQL for repeating local changes over what was pulled. */
  readonly openSql: OpenReplaySql;
  /**
   * Begins the name by which the remote knows the replica.
   * @default "lacuna"
   */
  readonly clientName?: string | undefined;
  readonly transform?: Transform | undefined;
  /**
   * A request of a push is closed behind the transaction with which it has so many statements.
   * @default 10000
   */
  readonly pushOperationsThreshold?: number | undefined;
  /**
   * A request of a push is closed behind the transaction with which it is about so long, in bytes.
   * @default 6291456
   */
  readonly pushBytesThreshold?: number | undefined;
  /**
   * How often a request of a push is sent while nobody knows what became of it, the first time included.
   * @default 4
   */
  readonly attempts?: number | undefined;
  /**
   * Begin with an empty database if there is no replica yet, and bring the remote's with the first pull.
   * @default false
   */
  readonly deferred?: boolean | undefined;
  /** @see OpenPagerOptions */
  readonly durability?: OpenPagerOptions["durability"];
  /** Milliseconds since 1970. @default Date.now */
  readonly now?: (() => number) | undefined;
  /** Waits so many milliseconds; rejects with the signal's reason when aborted. */
  readonly sleep?: ((ms: number, signal?: AbortSignal) => Promise<void>) | undefined;
}
