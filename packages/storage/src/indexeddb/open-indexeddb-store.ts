import { LacunaError, type PageStore } from "@lacuna/page";
import { checkPath, openFileStore } from "../files/open-file-store.ts";
import { storageError } from "../files/storage-error.ts";
import { webLock } from "../web/web-lock.ts";
import { type IndexedDbFileSystem, indexedDbFileSystem } from "./indexeddb-file-system.ts";

export interface IndexedDbStoreOptions {
  /** Names the replica. Its files are in the IndexedDB database `lacuna:PATH`. */
  readonly path: string;
  /**
   * Keep pages compressed, 32 KiB together, by the DEFLATE of the platform. It takes about half the room, and some time whenever
   * pages are stored or read from there.
   * @default false
   */
  readonly compress?: boolean | undefined;
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
  const { path, compress = false, locks = globalThis.navigator?.locks } = options;
  const { indexedDB: factory = globalThis.indexedDB } = options;
  checkPath(path);
  if (factory === undefined) throw new LacunaError("STORAGE", "this runtime has no IndexedDB here", { path });
  let files: IndexedDbFileSystem;
  try {
    // The other files are short, and written a little at a time.
    const packs = (name: string): boolean => compress && name === path;
    files = await indexedDbFileSystem(`lacuna:${path}`, factory, packs);
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
