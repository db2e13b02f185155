import type { AbortOptions, PageNo } from "@lacuna/page";
import type { PrefetchSnapshot, SnapshotSource } from "./snapshot.ts";

/** Where SQL writes to. */
export interface WriteSource extends SnapshotSource {
  /**
   * A view of the newest state that takes pages. Waits for its turn: one writer at a time, in the order asked. Its turn
   * ends with `commit`, `rollback` or `release`; until then nobody else can write.
   * @throws {LacunaError} `CLOSED` after close, `NOT_SUPPORTED` where there is nothing to write to
   * @throws `options.signal.reason` if aborted while waiting
   */
  begin(options?: AbortOptions): Promise<WriteTransaction>;
}

/**
 * A view that takes pages and shows them: `pageCount`, `peek` and `read` include what was written here. `version` is that
 * of the state it began on. Once it is over, reading fails with `CLOSED`, and writing too.
 */
export interface WriteTransaction extends PrefetchSnapshot {
  /**
   * Keeps a copy of the page, in memory until `commit`. A page after the end makes the database longer; pages in between
   * that are never written are zeros. Of page 1, bytes 18 and 19 (the journal mode) are not kept: they always say WAL.
   * @throws {RangeError} for a wrong length or a page that no database has
   * @throws {LacunaError} `CLOSED` once the transaction is over
   */
  write(page: PageNo, bytes: Uint8Array): void;
  /**
   * Makes the database shorter, or longer by zeros. What was written after the new end is forgotten.
   * @throws {RangeError} for a count that no database has
   * @throws {LacunaError} `CLOSED` once the transaction is over
   */
  truncate(pageCount: number): void;
  /**
   * Makes what was written the newest state, all or nothing, and ends the transaction. First `change` is appended to
   * `PATH-changes` and flushed, then the pages to `PATH-wal`, and flushed. Resolves when that is durable, or, with
   * durability `relaxed`, when it is in memory.
   * @param change what happened, for a push: opaque bytes, copied. Absent: nothing to push
   * @returns the version of the state it made; if nothing was written and there is no `change`, that of before
   * @throws {LacunaError} `STORAGE`, `STORAGE_FULL`, `CLOSED`; then nothing happened
   */
  commit(change?: Uint8Array): Promise<number>;
  /** Forgets what was written and ends the transaction. `release` does the same if it was not committed. */
  rollback(): void;
}

/** A committed change that is not settled yet. */
export interface ChangeRecord {
  /** From 1, each higher than any before it in this replica; never used again. */
  readonly id: number;
  /** What was handed to `commit`. */
  readonly bytes: Uint8Array;
}
