import type { FileSystem, OpenFile } from "../files/file-system.ts";
import { isPosixError, posixError } from "./posix-error.ts";

/** The part of a worker, or of a `MessagePort`, that is needed to talk through it. */
export interface Port {
  postMessage(message: unknown, transfer: Transferable[]): void;
  addEventListener(type: "message", listener: (event: MessageEvent) => void): void;
}

type FileCall = "size" | "open" | "link" | "rename" | "remove" | "syncDirectory";
type HandleCall = "getSize" | "read" | "write" | "truncate" | "sync" | "close";

interface Question {
  readonly id: number;
  readonly call: FileCall | HandleCall;
  readonly values: readonly unknown[];
}

type Answer =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: { readonly code: string; readonly message: string } };

/** Answers the calls of `filesBehind` at the other end of the port. */
export function serveFiles(port: Port, files: FileSystem): void {
  const handles = new Map<number, OpenFile>();
  let lastHandle = 0;
  const handle = (id: unknown): OpenFile => {
    const found = handles.get(Number(id));
    if (found === undefined) throw posixError("EBADF", `no file ${String(id)} is open`);
    return found;
  };
  const calls: Readonly<Record<FileCall | HandleCall, (...values: never[]) => Promise<unknown>>> = {
    size: (path: string) => files.size(path),
    open: async (path: string, how: "existing" | "new" | "any") => {
      const file = await files.open(path, how);
      handles.set(++lastHandle, file);
      return lastHandle;
    },
    link: (path: string, second: string) => files.link(path, second),
    rename: (path: string, name: string) => files.rename(path, name),
    remove: (path: string) => files.remove(path),
    syncDirectory: (path: string) => files.syncDirectory(path),
    getSize: (id: number) => handle(id).size(),
    read: async (id: number, length: number, position: number) => {
      const bytes = new Uint8Array(length);
      return bytes.subarray(0, await handle(id).read(bytes, position));
    },
    write: (id: number, bytes: Uint8Array, position: number) => handle(id).write(bytes, position),
    truncate: (id: number, size: number) => handle(id).truncate(size),
    sync: (id: number) => handle(id).sync(),
    close: async (id: number) => {
      const file = handle(id);
      handles.delete(id);
      await file.close();
    },
  };
  port.addEventListener("message", (event) => {
    const { id, call, values } = event.data as Question;
    const answer = (message: Answer, transfer: Transferable[] = []): void =>
      port.postMessage(message, transfer);
    void calls[call](...(values as never[])).then(
      (value) => answer({ id, value }, value instanceof Uint8Array ? [value.buffer] : []),
      (error: unknown) => {
        const code = isPosixError(error) ? error.code : "EIO";
        answer({ id, error: { code, message: error instanceof Error ? error.message : String(error) } });
      },
    );
  });
}

/** Files that `serveFiles` serves at the other end of the port. Nothing there can be read synchronously. */
export class FilesBehind implements FileSystem {
  readonly #port: Port;
  readonly #waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  #last = 0;
  #failure: Error | undefined;

  constructor(port: Port) {
    this.#port = port;
    port.addEventListener("message", (event) => {
      const answer = event.data as Answer;
      const waiting = this.#waiting.get(answer.id);
      this.#waiting.delete(answer.id);
      if ("error" in answer) waiting?.reject(posixError(answer.error.code, answer.error.message));
      else waiting?.resolve(answer.value);
    });
  }

  /** Ends every call, also those to come: the other end is gone. */
  fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  size(path: string): Promise<number | undefined> {
    return this.#ask("size", [path]);
  }

  async open(path: string, how: "existing" | "new" | "any"): Promise<OpenFile> {
    const handle = await this.#ask<number>("open", [path, how]);
    return {
      size: () => this.#ask("getSize", [handle]),
      read: async (into, position) => {
        const bytes = await this.#ask<Uint8Array>("read", [handle, into.byteLength, position]);
        into.set(bytes);
        return bytes.byteLength;
      },
      write: (bytes, position) => {
        const copy = bytes.slice();
        return this.#ask("write", [handle, copy, position], [copy.buffer]);
      },
      truncate: (size) => this.#ask("truncate", [handle, size]),
      sync: () => this.#ask("sync", [handle]),
      close: () => this.#ask("close", [handle]),
    };
  }

  link(path: string, second: string): Promise<void> {
    return this.#ask("link", [path, second]);
  }

  rename(path: string, name: string): Promise<void> {
    return this.#ask("rename", [path, name]);
  }

  remove(path: string): Promise<void> {
    return this.#ask("remove", [path]);
  }

  syncDirectory(path: string): Promise<void> {
    return this.#ask("syncDirectory", [path]);
  }

  #ask<T>(call: FileCall | HandleCall, values: unknown[], transfer: Transferable[] = []): Promise<T> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const id = ++this.#last;
    return new Promise<T>((resolve, reject) => {
      this.#waiting.set(id, { resolve: (value) => resolve(value as T), reject });
      const question: Question = { id, call, values };
      this.#port.postMessage(question, transfer);
    });
  }
}
