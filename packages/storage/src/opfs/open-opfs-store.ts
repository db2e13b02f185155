import { LacunaError, type PageStore } from "@lacuna/page";
import type { FileSystem } from "../files/file-system.ts";
import { checkPath, openFileStore } from "../files/open-file-store.ts";
import { webLock } from "../web/web-lock.ts";
import { borrowOpfs } from "./borrowed-files.ts";
import { opfsFileSystem } from "./opfs-file-system.ts";

export interface OpfsStoreOptions {
  /** Name of the database file in the origin private file system; `/` separates directories, made as needed. */
  readonly path: string;
  /**
   * Makes the worker that lends the files to a page, for bundlers that do not find its script by themselves: one that runs
   * `@lacuna/storage/opfs/worker`. Not used inside a worker.
   */
  readonly worker?: (() => Worker) | undefined;
}

/**
 * Opens the replica at `path` in the origin private file system, or makes one where there is nothing. In a dedicated worker
 * the files are read and written directly, and `getSync` is there; on a page, by a worker of this package.
 *
 * @throws {LacunaError} as `openNodeStore` of `@lacuna/storage/node`; `STORAGE` also where the browser has no such file
 *   system, as in some private windows, or blocks the worker
 */
export async function openOpfsStore(options: OpfsStoreOptions): Promise<PageStore> {
  const { path, worker } = options;
  checkPath(path);
  if (typeof navigator === "undefined" || typeof navigator.storage?.getDirectory !== "function") {
    throw new LacunaError("STORAGE", "this runtime has no origin private file system here", { path });
  }
  if (canOpenDirectly()) return open(path, opfsFileSystem(), () => {});
  const borrowed = await borrowOpfs(worker);
  try {
    return await open(path, borrowed.files, () => borrowed.end());
  } catch (error) {
    borrowed.end();
    throw error;
  }
}

/** Only dedicated workers have synchronous handles. */
function canOpenDirectly(): boolean {
  return (
    typeof FileSystemFileHandle !== "undefined" && "createSyncAccessHandle" in FileSystemFileHandle.prototype
  );
}

function open(path: string, files: FileSystem, end: () => void): Promise<PageStore> {
  return openFileStore(path, {
    files,
    lock: () => webLock(path, navigator.locks, end),
    random: (bytes) => crypto.getRandomValues(bytes),
  });
}
