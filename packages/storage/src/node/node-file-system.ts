import fs from "node:fs";
import { dirname } from "node:path";
import { type FileSystem, failedWith, type OpenFile } from "../files/file-system.ts";

const { O_CREAT, O_EXCL, O_RDWR } = fs.constants;
const FLAGS = { existing: O_RDWR, new: O_RDWR | O_CREAT | O_EXCL, any: O_RDWR | O_CREAT };

/** The files of this machine, by calls that Node, Deno and Bun have alike. */
export const nodeFileSystem: FileSystem = {
  async size(path) {
    try {
      return (await fs.promises.stat(path)).size;
    } catch (error) {
      if (failedWith(error, "ENOENT")) return undefined;
      throw error;
    }
  },
  async open(path, how) {
    return new NodeFile(await call<number>((done) => fs.open(path, FLAGS[how], 0o644, done)));
  },
  link: (path, second) => fs.promises.link(path, second),
  rename: (path, name) => fs.promises.rename(path, name),
  remove: (path) => fs.promises.unlink(path),
  async syncDirectory(path) {
    // Windows cannot open a directory; there the names are as durable as the file system makes them.
    if (process.platform === "win32") return;
    const directory = await call<number>((done) => fs.open(dirname(path), "r", done));
    try {
      await call<void>((done) => fs.fsync(directory, done));
    } catch (error) {
      // Some network file systems refuse to sync a directory.
      if (!failedWith(error, "EINVAL", "ENOTSUP")) throw error;
    } finally {
      await call<void>((done) => fs.close(directory, done));
    }
  },
};

/** A plain descriptor, so that waiting and synchronous calls share it. */
class NodeFile implements OpenFile {
  readonly #fd: number;

  constructor(fd: number) {
    this.#fd = fd;
  }

  async size(): Promise<number> {
    return (await call<fs.Stats>((done) => fs.fstat(this.#fd, done))).size;
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    let offset = 0;
    while (offset < into.byteLength) {
      const wanted = into.byteLength - offset;
      const read = await call<number>((done) =>
        fs.read(this.#fd, into, offset, wanted, position + offset, done),
      );
      if (read === 0) break;
      offset += read;
    }
    return offset;
  }

  readSync(into: Uint8Array, position: number): number {
    let offset = 0;
    while (offset < into.byteLength) {
      const read = fs.readSync(this.#fd, into, offset, into.byteLength - offset, position + offset);
      if (read === 0) break;
      offset += read;
    }
    return offset;
  }

  async write(bytes: Uint8Array, position: number): Promise<void> {
    let offset = 0;
    while (offset < bytes.byteLength) {
      const rest = bytes.byteLength - offset;
      offset += await call<number>((done) =>
        fs.write(this.#fd, bytes, offset, rest, position + offset, done),
      );
    }
  }

  truncate(size: number): Promise<void> {
    return call((done) => fs.ftruncate(this.#fd, size, done));
  }

  sync(): Promise<void> {
    return call((done) => fs.fsync(this.#fd, done));
  }

  close(): Promise<void> {
    return call((done) => fs.close(this.#fd, done));
  }
}

function call<T>(start: (done: (error: Error | null, value?: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, value) => (error === null || error === undefined ? resolve(value as T) : reject(error)));
  });
}
