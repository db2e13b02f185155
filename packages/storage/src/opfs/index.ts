export { type OpfsStoreOptions, openOpfsStore } from "./open-opfs-store.ts";
export { opfsFileSystem } from "./opfs-file-system.ts";
