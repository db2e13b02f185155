import type { PageRange } from "./page-range.ts";
import type { RemoteAnswer, RemotePipeline } from "./remote-sql.ts";
import type { AbortOptions, DatabaseShape } from "./source.ts";
import type { PageEntry, Transport } from "./transport.ts";

/** What a replica has, and wants to have the newest of. */
export interface DifferenceRequest {
  /** The revision and page size that the pages held are of. */
  readonly since: DatabaseShape;
  /** The pages held, ascending; `undefined` if the replica is complete. */
  readonly held?: readonly PageRange[] | undefined;
  /**
   * How long the remote may wait for something newer, in milliseconds.
   * @default 0
   */
  readonly longPollMs?: number | undefined;
}

/** What changed since a revision. */
export interface Difference {
  /** The newest revision: `since.revision` itself where nothing changed. */
  readonly shape: DatabaseShape;
  /**
   * Every page that is held, exists at the newest revision and may differ from what is held, with its newest content, and for
   * a complete replica also the pages that are new. Others may come too. Each at most once, in batches as for `fetchPages`.
   * When the iteration ends normally, all came. It must be iterated or ended (`return()`).
   */
  readonly pages: AsyncIterable<readonly PageEntry[]>;
}

export interface ExecuteOptions extends AbortOptions {
  /**
   * Whether the request may be sent again when nobody knows what became of it.
   * @default false
   */
  readonly repeatable?: boolean | undefined;
}

/** A transport to a remote that takes part in synchronisation: one that knows what changed, and runs SQL. */
export interface SyncTransport extends Transport {
  /** Asks what changed since a revision, for pages held. One request. Errors are those of `Transport`. */
  pull(request: DifferenceRequest, options?: AbortOptions): Promise<Difference>;
  /**
   * Runs SQL at the remote. What its SQL refuses is in the answer.
   * @throws {LacunaError} `NETWORK`, `TIMEOUT`, `SHORT_READ` and `HTTP_STATUS` from 500 on leave open whether it was run;
   *   `NOT_SUPPORTED` if the remote takes no SQL
   */
  execute(pipeline: RemotePipeline, options?: ExecuteOptions): Promise<RemoteAnswer>;
}

/** Whether a transport takes part in synchronisation. */
export function isSyncTransport(transport: Transport): transport is SyncTransport {
  return "pull" in transport && "execute" in transport;
}
