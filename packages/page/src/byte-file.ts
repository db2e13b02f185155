/**
 * One local file of a replica: bytes with positions, from 0. What was written is durable after `sync`, not before, and a
 * crash may keep or lose each unsynced piece, in any order.
 *
 * One operation at a time changes it: whoever has it waits for one before it asks for the next. Reading meanwhile is
 * fine, of bytes that are not being changed.
 *
 * Errors: `STORAGE`, `STORAGE_FULL`, `CLOSED`.
 */
export interface ByteFile {
  /** Bytes in the file. */
  size(): Promise<number>;
  /** Fills `into` from `position`. @returns the bytes read: fewer only at the end of the file */
  read(into: Uint8Array, position: number): Promise<number>;
  /** The same without waiting. Absent on files that cannot. */
  readSync?(into: Uint8Array, position: number): number;
  /**
   * Writes all of `bytes` at `position`; a file that ends before it grows, with zeros in between. The array must not
   * change until it resolves. When it fails, any part of the bytes may have been written.
   */
  write(bytes: Uint8Array, position: number): Promise<void>;
  /** Cuts the file, or grows it with zeros. */
  truncate(size: number): Promise<void>;
  /** Makes everything written before durable. */
  sync(): Promise<void>;
  /** Calling it again is harmless. */
  close(): Promise<void>;
}

/**
 * The files beside the pages, `PATH-<name>`: `wal` has local pages as a SQLite write-ahead log, `changes` the local
 * changes that the remote does not have, `pull` a step that is finished after a crash.
 */
export type SideFile = "wal" | "changes" | "pull";
