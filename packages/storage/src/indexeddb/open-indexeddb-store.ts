import { LacunaError, type PageStore } from "@lacuna/page";
import { openFileStore } from "../files/open-file-store.ts";
import { storageError } from "../files/storage-error.ts";
import { webLock } from "../web/web-lock.ts";
import { type IndexedDbFileSystem, indexedDbFileSystem } from "./indexeddb-file-system.ts";

export interface IndexedDbStoreOptions {
  /** Names the replica. Its files are in the IndexedDB database `lacuna:PATH`. */
  readonly path: string;
  /** @default the one of the page */
  readonly indexedDB?: IDBFactory | undefined;
  /** @default the Web Locks of the page */
  readonly locks?: LockManager | undefined;
}

/**
 * Opens the replica at `path` in IndexedDB, or makes one where there is nothing. The same files as elsewhere, in blocks.
 * Works on pages and in workers of every kind; nothing can be read from it synchronously.
 *
 * @throws {LacunaError} as `openNodeStore` of `@lacuna/storage/node`; `STORAGE` also where the browser refuses IndexedDB,
 *   as in some private windows
 */
export async function openIndexedDbStore(options: IndexedDbStoreOptions): Promise<PageStore> {
  const { path, indexedDB: factory = globalThis.indexedDB, locks = globalThis.navigator?.locks } = options;
  if (typeof path !== "string" || path === "" || path.includes("\0")) {
    throw new LacunaError("INVALID_OPTION", `path should be the name of a file, got ${JSON.stringify(path)}`);
  }
  if (factory === undefined) throw new LacunaError("STORAGE", "this runtime has no IndexedDB here", { path });
  let files: IndexedDbFileSystem;
  try {
    files = await indexedDbFileSystem(`lacuna:${path}`, factory);
  } catch (error) {
    throw storageError("opening IndexedDB", path, error);
  }
  try {
    return await openFileStore(path, {
      files,
      lock: () => webLock(path, locks, () => files.end()),
      random: (bytes) => crypto.getRandomValues(bytes),
    });
  } catch (error) {
    files.end();
    throw error;
  }
}
