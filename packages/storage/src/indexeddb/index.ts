export { type IndexedDbFileSystem, indexedDbFileSystem } from "./indexeddb-file-system.ts";
export { type IndexedDbStoreOptions, openIndexedDbStore } from "./open-indexeddb-store.ts";
