import { basename, resolve } from "node:path";
import { type AbortOptions, closedError, LacunaError } from "@lacuna/page";
import type { ServedDatabase, ServedView } from "../served-database.ts";
import { DatabaseFile } from "./database-file.ts";
import { Turns } from "./turns.ts";

export interface ServedFileOptions {
  /**
   * Whether to take SQLite's read locks. Without them the file must not be written to while it is read; if it is, readers
   * get `REVISION_CHANGED`. Off for file systems without locks. Where locking turns out to be impossible because nothing
   * may be written beside the file, it is off by itself.
   * @default true
   */
  readonly lock?: boolean | undefined;
  /**
   * How long to wait for a writer that keeps readers out, in milliseconds.
   * @default 5000
   */
  readonly busyTimeoutMs?: number | undefined;
}

/** A database file that can be served. */
export interface ServedFile extends ServedDatabase {
  /** The absolute path. */
  readonly path: string;
  /** Ends every view and lets the file go. Calling it again is harmless. */
  close(): Promise<void>;
}

/**
 * Opens an existing SQLite file for serving, in whatever journal mode, also while other processes write to it. The
 * file is never written to, with one exception: the journal of a crashed writer is played back, by SQLite. When the path comes
 * to hold another file, the next view is of that one.
 * @throws {LacunaError} `STORAGE` if it cannot be read, `NOT_A_DATABASE`, `BUSY`
 */
export async function openServedFile(path: string, options: ServedFileOptions = {}): Promise<ServedFile> {
  const absolute = resolve(path);
  const { lock = true, busyTimeoutMs = 5000 } = options;
  const turns = new Turns();
  let file: DatabaseFile | undefined;
  let closed = false;

  const served: ServedFile = {
    name: basename(absolute),
    path: absolute,
    open: ({ signal }: AbortOptions = {}) => {
      const deadline = performance.now() + busyTimeoutMs;
      return turns.run(() =>
        withStorageErrors(absolute, async () => {
          if (closed) throw closedError("the served file");
          if (file !== undefined && !(await file.isAt(absolute))) {
            await file.retire();
            file = undefined;
          }
          file ??= await DatabaseFile.open(absolute, { lock, busyTimeoutMs });
          return withWrappedRead(absolute, await file.view(deadline, signal));
        }),
      );
    },
    close: () =>
      turns.run(async () => {
        closed = true;
        await file?.close();
      }),
  };
  try {
    await (await served.open()).close();
  } catch (error) {
    await served.close();
    throw error;
  }
  return served;
}

function withWrappedRead(path: string, view: ServedView): ServedView {
  return { ...view, read: (ranges, options) => withStorageErrors(path, () => view.read(ranges, options)) };
}

/** What the file system reports becomes a `STORAGE` error. */
async function withStorageErrors<T>(path: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    if (!(cause instanceof Error && "syscall" in cause)) throw cause;
    throw new LacunaError("STORAGE", `cannot read ${path}: ${cause.message}`, { path, cause });
  }
}
