import type { PageStore, Transport } from "@lacuna/page";
import type { Parts } from "./open-parts.ts";
import type { StorageFacts, StorageOptions } from "./storage-options.ts";
import type { SharedSetting } from "./tabs/share-parts.ts";

/** What a runtime with a file system adds: replicas at a path, and databases that are local files. */
export interface LocalFiles {
  /** The store of the replica at `path`. */
  openStore(path: string, storage?: StorageOptions): Promise<PageStore>;
  /** The database at a `file:` URL. */
  openDatabase(url: string): Promise<Transport>;
  /** What the storage of the origin takes and may take; absent where it has none of its own. */
  facts?(): Promise<StorageFacts | undefined>;
  /** Opens a replica at a path together with the others that have it open; absent where each path has one owner. */
  share?(setting: SharedSetting): Promise<Parts>;
}

/** The files of a runtime that has them. The adapters are loaded when they are first used. */
export const localFiles: LocalFiles = {
  async openStore(path) {
    const { openNodeStore } = await import("@lacuna/storage/node");
    return openNodeStore({ path });
  },
  async openDatabase(url) {
    const { fileTransport } = await import("@lacuna/transport/file");
    return fileTransport({ path: url });
  },
};
