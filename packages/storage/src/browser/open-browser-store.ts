import { isLacunaError, LacunaError, type PageStore } from "@lacuna/page";
import { openIndexedDbStore } from "../indexeddb/open-indexeddb-store.ts";
import { openOpfsStore } from "../opfs/open-opfs-store.ts";
import { hasIndexedDbReplica, hasOpfsReplica } from "./where-it-is.ts";

/** Where a browser keeps replicas: in the origin private file system, or in IndexedDB. */
export type BrowserStorage = "opfs" | "indexeddb";

export interface BrowserStoreOptions {
  /** Names the replica. */
  readonly path: string;
  /**
   * @default "auto": where the replica of that path is; for a new one the origin private file system if it can be used
   *   here, and IndexedDB otherwise
   */
  readonly storage?: BrowserStorage | "auto" | undefined;
  /**
   * Keep pages compressed, where the replica is in IndexedDB; a new one is made there then. @see IndexedDbStoreOptions
   * @default false
   */
  readonly compress?: boolean | undefined;
  /** @see OpfsStoreOptions */
  readonly worker?: (() => Worker) | undefined;
}

/**
 * Opens the replica at `path`, or makes one where there is nothing, in the best storage that this browser has.
 * @throws {LacunaError} as `openOpfsStore` and `openIndexedDbStore`
 */
export async function openBrowserStore(options: BrowserStoreOptions): Promise<PageStore> {
  const { path, storage = "auto", compress = false, worker } = options;
  if (storage === "indexeddb") return openIndexedDbStore({ path, compress });
  if (storage === "opfs") return openOpfsStore({ path, worker });
  if (storage !== "auto") {
    throw new LacunaError(
      "INVALID_OPTION",
      `storage should be "opfs", "indexeddb" or "auto", got ${JSON.stringify(storage)}`,
    );
  }
  if ((await hasIndexedDbReplica(path)) || (compress && !(await hasOpfsReplica(path))))
    return openIndexedDbStore({ path, compress });
  try {
    return await openOpfsStore({ path, worker });
  } catch (error) {
    // A replica that is there must not be hidden by a new one somewhere else.
    if (!isLacunaError(error, "STORAGE") || (await hasOpfsReplica(path))) throw error;
    return openIndexedDbStore({ path, compress }).catch((cause: unknown) => {
      throw isLacunaError(cause, "STORAGE") ? nowhere(path, error, cause) : cause;
    });
  }
}

/** As in some private windows. */
function nowhere(path: string, opfs: LacunaError, indexedDb: LacunaError): LacunaError {
  const message =
    `this browser keeps nothing for this page: ${opfs.message}; ${indexedDb.message}. ` +
    'The path ":memory:" works here, for as long as the page is open';
  return new LacunaError("STORAGE", message, { path, cause: indexedDb });
}
