import { type ByteFile, closedError, LacunaError, type SideFile } from "@lacuna/page";
import { type FileSystem, failedWith, type OpenFile } from "./file-system.ts";
import { fileWork, storageError } from "./storage-error.ts";

/** The files beside `PATH`, each open at most once. */
export class SideFiles {
  readonly #files: FileSystem;
  readonly #path: string;
  readonly #open = new Map<SideFile, SideFileHandle | undefined>();

  constructor(files: FileSystem, path: string) {
    this.#files = files;
    this.#path = path;
  }

  async open(name: SideFile): Promise<ByteFile> {
    const path = this.#reserve(name);
    try {
      return await fileWork("opening a file", path, async () => {
        const file = await this.#files.open(path, "any");
        try {
          // Also where it was there already: whoever made it may have failed at this.
          await this.#files.syncDirectory(path);
        } catch (error) {
          await file.close().catch(() => {});
          throw error;
        }
        const handle = new SideFileHandle(path, file, () => this.#open.delete(name));
        this.#open.set(name, handle);
        return handle;
      });
    } catch (error) {
      this.#open.delete(name);
      throw error;
    }
  }

  async remove(name: SideFile): Promise<void> {
    const path = this.#reserve(name);
    try {
      await fileWork("removing a file", path, async () => {
        try {
          await this.#files.remove(path);
        } catch (error) {
          if (!failedWith(error, "ENOENT")) throw error;
        }
        await this.#files.syncDirectory(path);
      });
    } finally {
      this.#open.delete(name);
    }
  }

  async close(): Promise<void> {
    const closing = [...this.#open.values()].map((handle) => handle?.close());
    const failed = (await Promise.allSettled(closing)).find((result) => result.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }

  #reserve(name: SideFile): string {
    const path = `${this.#path}-${name}`;
    if (this.#open.has(name)) throw new LacunaError("BUSY", `${path} is open already`, { path });
    this.#open.set(name, undefined);
    return path;
  }
}

class SideFileHandle implements ByteFile {
  readonly readSync?: (into: Uint8Array, position: number) => number;
  readonly #path: string;
  readonly #file: OpenFile;
  readonly #closed: () => void;
  #closing: Promise<void> | undefined;

  constructor(path: string, file: OpenFile, closed: () => void) {
    this.#path = path;
    this.#file = file;
    this.#closed = closed;
    const readSync = file.readSync?.bind(file);
    if (readSync !== undefined) this.readSync = (into, position) => this.#readNow(into, position, readSync);
  }

  size(): Promise<number> {
    return this.#work("measuring", () => this.#file.size());
  }

  read(into: Uint8Array, position: number): Promise<number> {
    return this.#work("reading", () => this.#file.read(into, position));
  }

  #readNow(into: Uint8Array, position: number, readSync: NonNullable<OpenFile["readSync"]>): number {
    if (this.#closing !== undefined) throw closedError(this.#path);
    try {
      return readSync(into, position);
    } catch (cause) {
      throw storageError("reading", this.#path, cause);
    }
  }

  write(bytes: Uint8Array, position: number): Promise<void> {
    return this.#work("writing", () => this.#file.write(bytes, position));
  }

  truncate(size: number): Promise<void> {
    return this.#work("cutting the file", () => this.#file.truncate(size));
  }

  sync(): Promise<void> {
    return this.#work("making what was written durable", () => this.#file.sync());
  }

  close(): Promise<void> {
    this.#closing ??= fileWork("closing", this.#path, () => this.#file.close()).finally(this.#closed);
    return this.#closing;
  }

  async #work<T>(doing: string, work: () => Promise<T>): Promise<T> {
    if (this.#closing !== undefined) throw closedError(this.#path);
    return fileWork(doing, this.#path, work);
  }
}
