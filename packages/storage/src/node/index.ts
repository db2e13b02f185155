export type { FileSystem, OpenFile } from "../files/file-system.ts";
export { nodeFileSystem } from "./node-file-system.ts";
export { type NodeStoreOptions, openNodeStore } from "./open-node-store.ts";
