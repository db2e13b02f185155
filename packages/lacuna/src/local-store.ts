import type { PageStore } from "@lacuna/page";
import { memoryStore } from "@lacuna/storage/memory";
import type { LocalFiles } from "./local-files.ts";
import type { StorageOptions } from "./storage-options.ts";

/** Where what came is kept. */
export interface StoreOptions {
  readonly path: string;
  readonly store?: PageStore | undefined;
  readonly storage?: StorageOptions | undefined;
}

/** The store of the options: the one given, memory, or files at `path`. */
export async function openStore(
  { path, store, storage }: StoreOptions,
  files: LocalFiles,
): Promise<PageStore> {
  if (store !== undefined) return store;
  return path === ":memory:" ? memoryStore() : files.openStore(path, storage);
}
