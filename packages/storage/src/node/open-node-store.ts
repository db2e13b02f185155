import { resolve } from "node:path";
import type { PageStore } from "@lacuna/page";
import type { FileSystem } from "../files/file-system.ts";
import { checkPath, openFileStore } from "../files/open-file-store.ts";
import { lockPath } from "../files/path-lock.ts";
import { nodeFileSystem } from "./node-file-system.ts";
import { nodeProcesses } from "./node-processes.ts";

export interface NodeStoreOptions {
  /**
   * The database file. Beside it `PATH-info` and, while it is open, `PATH-lock`. Its directory must exist.
   * A relative path is resolved when it is opened.
   */
  readonly path: string;
  /** Where the files are. @default the files of this machine */
  readonly fileSystem?: FileSystem | undefined;
}

/**
 * Opens the replica at `path`, or makes one where there is nothing. Works on Node, Deno and Bun.
 *
 * What `put` and `evict` did is durable after `flush` or `close`; until then a crash may undo it, page by page.
 * `reset`, `adopt` and `setMeta` are durable when they resolve. The revision and the meta may take about 16,000 bytes
 * together, more is a `RangeError`.
 *
 * @throws {LacunaError}
 *   `NOT_A_REPLICA` if the path holds a file that no replica owns;
 *   `LOCKED` if another process or another store of this one has it open;
 *   `REPLICA_CORRUPT` if `PATH-info` cannot be read;
 *   `STORAGE`, `STORAGE_FULL` if the file system fails. In every case the files are left as they were.
 */
export async function openNodeStore(options: NodeStoreOptions): Promise<PageStore> {
  const { path, fileSystem = nodeFileSystem } = options;
  checkPath(path);
  const absolute = resolve(path);
  return openFileStore(absolute, {
    files: fileSystem,
    lock: (token) => lockPath(fileSystem, `${absolute}-lock`, nodeProcesses, token),
    random: (bytes) => crypto.getRandomValues(bytes),
  });
}
