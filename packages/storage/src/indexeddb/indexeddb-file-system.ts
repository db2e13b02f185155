import type { FileSystem } from "../files/file-system.ts";
import { posixError } from "../web/posix-error.ts";
import { BlockFile } from "./block-file.ts";
import { openFileDatabase, pathRange, request, type StoredFile, transaction } from "./file-database.ts";

/**
 * Files in an IndexedDB database: a record per file and one for each block of it. What one file wrote since it was synced
 * the last time becomes durable in one step, all or nothing. `link` is not there: ownership is by Web Locks.
 *
 * @param packs says which files are kept compressed; one that was written otherwise before is read all the same
 */
export async function indexedDbFileSystem(
  name: string,
  factory: IDBFactory,
  packs: (path: string) => boolean = () => false,
): Promise<IndexedDbFileSystem> {
  const database = await openFileDatabase(name, factory);
  const fileOf = (path: string): Promise<StoredFile | undefined> =>
    transaction(database, ["files"], "readonly", (files) => request<StoredFile | undefined>(files.get(path)));
  return {
    async size(path) {
      return (await fileOf(path))?.size;
    },
    async open(path, how) {
      const found = await fileOf(path);
      if (found === undefined && how === "existing") throw posixError("ENOENT", `there is no file ${path}`);
      if (found !== undefined && how === "new") throw posixError("EEXIST", `there is a file ${path}`);
      const file: StoredFile = found ?? { id: crypto.randomUUID(), size: 0 };
      if (found === undefined) {
        await transaction(database, ["files"], "readwrite", (files) => request(files.add(file, path)));
      }
      return new BlockFile(database, path, file, packs(path));
    },
    async link(path) {
      throw posixError("ENOTSUP", `a file has one name here, ${path}`);
    },
    async rename(path, name) {
      await transaction(database, ["files", "blocks"], "readwrite", async (files, blocks) => {
        const file = await request<StoredFile | undefined>(files.get(path));
        if (file === undefined) throw posixError("ENOENT", `there is no file ${path}`);
        const replaced = await request<StoredFile | undefined>(files.get(name));
        if (replaced !== undefined) await request(blocks.delete(pathRange(replaced.id)));
        await request(files.put(file, name));
        await request(files.delete(path));
      });
    },
    async remove(path) {
      await transaction(database, ["files", "blocks"], "readwrite", async (files, blocks) => {
        const file = await request<StoredFile | undefined>(files.get(path));
        if (file === undefined) throw posixError("ENOENT", `there is no file ${path}`);
        await request(blocks.delete(pathRange(file.id)));
        await request(files.delete(path));
      });
    },
    // Every change of names above is a transaction of its own, durable when it resolves.
    async syncDirectory() {},
    end: () => database.close(),
  };
}

export interface IndexedDbFileSystem extends FileSystem {
  /** Closes the connection to the IndexedDB database. */
  end(): void;
}
