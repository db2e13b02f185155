/**
 * The little that a store asks of a file system; `@lacuna/storage/node` has it over `node:fs`. Failures are errors with
 * a `code` as POSIX names them: `ENOENT`, `EEXIST`, `ENOSPC`. What was written is durable after `sync`, not before;
 * that a file of this name exists is durable after `syncDirectory`.
 */
export interface FileSystem {
  /** Bytes in the file, or `undefined` if nothing has this name. Anything else of that name has a size too. */
  size(path: string): Promise<number | undefined>;
  /**
   * Opens for reading and writing.
   * @param how `existing`: fails with `ENOENT` where there is none; `new`: fails with `EEXIST` where there is one;
   *   `any`: opens what is there, or makes an empty file
   */
  open(path: string, how: "existing" | "new" | "any"): Promise<OpenFile>;
  /** Gives the file a second name. Fails with `EEXIST` if the name is taken. */
  link(path: string, second: string): Promise<void>;
  /** Gives the file another name, in place of the file that had it, as one step. */
  rename(path: string, name: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Makes the names in the directory of `path` durable. */
  syncDirectory(path: string): Promise<void>;
}

export interface OpenFile {
  size(): Promise<number>;
  /** Fills `into` from `position`. @returns the bytes read: fewer only at the end of the file */
  read(into: Uint8Array, position: number): Promise<number>;
  /** The same without waiting. Absent on files that cannot. */
  readSync?(into: Uint8Array, position: number): number;
  /** Writes all of `bytes` at `position`; a file that ends before it grows, with zeros in between. */
  write(bytes: Uint8Array, position: number): Promise<void>;
  truncate(size: number): Promise<void>;
  /** Gives back the room of a part, which is zeros from then on. Absent on files that cannot. */
  discard?(position: number, length: number): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** True if the file system failed with one of these codes. */
export function failedWith(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && "code" in error && codes.includes(String(error.code));
}
