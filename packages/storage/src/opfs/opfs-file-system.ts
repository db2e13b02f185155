import type { FileSystem, OpenFile } from "../files/file-system.ts";
import { posixError } from "../web/posix-error.ts";
import { opfsError } from "./opfs-error.ts";

/** What the type declarations of pages do not have of a file. */
interface PrivateFile extends FileSystemFileHandle {
  createSyncAccessHandle(): Promise<SyncAccessHandle>;
  move?(parent: FileSystemDirectoryHandle, name: string): Promise<void>;
}

interface SyncAccessHandle {
  getSize(): number;
  read(into: Uint8Array, options: { at: number }): number;
  write(bytes: Uint8Array, options: { at: number }): number;
  truncate(size: number): void;
  flush(): void;
  close(): void;
}

/**
 * The origin private file system by synchronous handles, which browsers give to dedicated workers only. A path is names
 * separated by `/`; directories are made as needed. `link` is not there: ownership is by Web Locks.
 *
 * @param root @default the root of the origin
 */
export function opfsFileSystem(root?: FileSystemDirectoryHandle): FileSystem {
  const rooted = (): Promise<FileSystemDirectoryHandle> =>
    root === undefined ? navigator.storage.getDirectory() : Promise.resolve(root);

  const parentOf = async (path: string, create: boolean): Promise<[FileSystemDirectoryHandle, string]> => {
    const names = path.split("/").filter((name) => name !== "" && name !== ".");
    const name = names.pop();
    if (name === undefined) throw posixError("EINVAL", `${path} names no file`);
    let directory = await rooted();
    for (const each of names) directory = await directory.getDirectoryHandle(each, { create });
    return [directory, name];
  };

  const find = async (path: string): Promise<PrivateFile> => {
    const [directory, name] = await parentOf(path, false);
    return directory.getFileHandle(name) as Promise<PrivateFile>;
  };

  return {
    async size(path) {
      try {
        const handle = await find(path);
        return (await handle.getFile()).size;
      } catch (error) {
        if (opfsError(error, path).code === "ENOENT") return undefined;
        throw opfsError(error, path);
      }
    },
    async open(path, how) {
      try {
        if (how === "new" && (await this.size(path)) !== undefined) {
          throw posixError("EEXIST", `there is a file ${path}`);
        }
        const create = how !== "existing";
        const [directory, name] = await parentOf(path, create);
        const handle = (await directory.getFileHandle(name, { create })) as PrivateFile;
        return new OpfsFile(await handle.createSyncAccessHandle(), path);
      } catch (error) {
        throw opfsError(error, path);
      }
    },
    async link(path) {
      throw posixError("ENOTSUP", `a file has one name here, ${path}`);
    },
    async rename(path, name) {
      try {
        const handle = await find(path);
        if (handle.move === undefined) {
          throw posixError("ENOTSUP", "this browser cannot rename files of the origin private file system");
        }
        const [directory, last] = await parentOf(name, true);
        await handle.move(directory, last);
      } catch (error) {
        throw opfsError(error, path);
      }
    },
    async remove(path) {
      try {
        const [directory, name] = await parentOf(path, false);
        await directory.removeEntry(name);
      } catch (error) {
        throw opfsError(error, path);
      }
    },
    // The browser keeps names in a journal of its own.
    async syncDirectory() {},
  };
}

class OpfsFile implements OpenFile {
  readonly #handle: SyncAccessHandle;
  readonly #path: string;

  constructor(handle: SyncAccessHandle, path: string) {
    this.#handle = handle;
    this.#path = path;
  }

  async size(): Promise<number> {
    return this.#now(() => this.#handle.getSize());
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    return this.readSync(into, position);
  }

  readSync(into: Uint8Array, position: number): number {
    return this.#now(() => this.#handle.read(into, { at: position }));
  }

  async write(bytes: Uint8Array, position: number): Promise<void> {
    const written = this.#now(() => this.#handle.write(bytes, { at: position }));
    if (written < bytes.byteLength) throw posixError("ENOSPC", `no room is left for ${this.#path}`);
  }

  async truncate(size: number): Promise<void> {
    this.#now(() => this.#handle.truncate(size));
  }

  async sync(): Promise<void> {
    this.#now(() => this.#handle.flush());
  }

  async close(): Promise<void> {
    this.#now(() => this.#handle.close());
  }

  #now<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw opfsError(error, this.#path);
    }
  }
}
