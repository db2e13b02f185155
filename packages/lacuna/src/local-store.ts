import type { PageStore } from "@lacuna/page";
import { memoryStore } from "@lacuna/storage/memory";
import type { CheckedOptions } from "./check-options.ts";

/** The store of the options: the one given, memory, or files at `path` by the adapter that is loaded only then. */
export async function openStore(options: CheckedOptions): Promise<PageStore> {
  if (options.store !== undefined) return options.store;
  if (options.path === ":memory:") return memoryStore();
  const { openNodeStore } = await import("@lacuna/storage/node");
  return openNodeStore({ path: options.path });
}
