import { isPosixError, type PosixError, posixError } from "../web/posix-error.ts";

/** What is kept of a file: its blocks are found by `id`, so that a file that is renamed keeps them. */
export interface StoredFile {
  readonly id: string;
  /** Bytes. */
  readonly size: number;
}

const VERSION = 1;

/** Opens the IndexedDB database, or makes it. */
export function openFileDatabase(name: string, factory: IDBFactory): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const opening = factory.open(name, VERSION);
    opening.onupgradeneeded = () => {
      opening.result.createObjectStore("files");
      opening.result.createObjectStore("blocks");
    };
    opening.onsuccess = () => {
      const database = opening.result;
      // Somebody deletes the database, or a later version of this package opens it: do not stand in the way.
      database.onversionchange = () => database.close();
      resolve(database);
    };
    opening.onerror = () => reject(fileError(opening.error));
    opening.onblocked = () =>
      reject(posixError("EBUSY", `the IndexedDB database ${name} is held by an older page`));
  });
}

/** The keys of all blocks of a file. */
export function pathRange(id: string): IDBKeyRange {
  return IDBKeyRange.bound([id], [id, []]);
}

/**
 * Runs `work` in one transaction and resolves once that is durable. `work` may await nothing but requests of the
 * transaction. If it throws, nothing of it happened.
 */
export async function transaction<T>(
  database: IDBDatabase,
  stores: readonly ("files" | "blocks")[],
  mode: IDBTransactionMode,
  work: (...stores: IDBObjectStore[]) => Promise<T>,
): Promise<T> {
  let running: IDBTransaction;
  try {
    running = database.transaction([...stores], mode, {
      durability: mode === "readwrite" ? "strict" : "default",
    });
  } catch (cause) {
    throw fileError(cause);
  }
  const done = new Promise<void>((resolve, reject) => {
    running.oncomplete = () => resolve();
    running.onabort = () => reject(fileError(running.error));
  });
  done.catch(() => {});
  try {
    const result = await work(...stores.map((store) => running.objectStore(store)));
    await done;
    return result;
  } catch (error) {
    try {
      running.abort();
    } catch {
      // It ended by itself.
    }
    throw fileError(error);
  }
}

export function request<T>(asked: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(fileError(asked.error));
  });
}

/** Gives what IndexedDB reports a POSIX code. */
export function fileError(cause: unknown): PosixError {
  if (isPosixError(cause)) return cause;
  const name = cause instanceof Error ? cause.name : "";
  const message = cause instanceof Error ? cause.message : "IndexedDB ended the transaction";
  if (name === "QuotaExceededError")
    return posixError("ENOSPC", message || "the quota of this site is used up", cause);
  return posixError("EIO", `${name || "IndexedDB"}: ${message}`, cause);
}
