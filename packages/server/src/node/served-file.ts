import { basename, resolve } from "node:path";
import { closedError, LacunaError, type Revision } from "@lacuna/page";
import type { OpenOptions, ServedDatabase, ServedView, WaitOptions } from "../served-database.ts";
import { DatabaseFile } from "./database-file.ts";
import { HistoryFile } from "./history-file.ts";
import { type HistoryOptions, resolveHistoryOptions } from "./history-options.ts";
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
  /**
   * Keeps what commits replace, so that old revisions can be read, differences told and changes waited for. The database is put
   * into WAL mode, its log is written back into it from time to time, and `PATH-history` lies beside it. Needs locks.
   * @default false
   */
  readonly history?: boolean | HistoryOptions | undefined;
}

/** A database file that can be served. */
export interface ServedFile extends ServedDatabase {
  /** The absolute path. */
  readonly path: string;
  /**
   * The newest revision, once it is recorded. With a history, call it after a commit of one's own and before telling anybody:
   * from then on the revision outlives a crash, and whoever waits for a change is told of it.
   */
  newest(): Promise<Revision>;
  /** Ends every view and lets the file go. Calling it again is harmless. */
  close(): Promise<void>;
}

/**
 * Opens an existing SQLite file for serving, in whatever journal mode, also while other processes write to it. Without a
 * history the file is never written to, with one exception: the journal of a crashed writer is played back, by SQLite. When the
 * path comes to hold another file, the next view is of that one.
 * @throws {LacunaError} `STORAGE` if it cannot be read, `NOT_A_DATABASE`, `BUSY`, `LOCKED` if another server has its history,
 *   `INVALID_OPTION`
 */
export async function openServedFile(path: string, options: ServedFileOptions = {}): Promise<ServedFile> {
  const absolute = resolve(path);
  const { lock = true, busyTimeoutMs = 5000, history = false } = options;
  if (history !== false && !lock) throw new LacunaError("INVALID_OPTION", "a history needs locks");
  const historyOptions =
    history === false ? undefined : resolveHistoryOptions(history === true ? {} : history);
  const turns = new Turns();
  let closed = false;

  let file: DatabaseFile | HistoryFile | undefined;

  const openFile = (): Promise<DatabaseFile | HistoryFile> =>
    historyOptions === undefined
      ? DatabaseFile.open(absolute, { lock, busyTimeoutMs })
      : HistoryFile.open(absolute, { ...historyOptions, busyTimeoutMs });
  /** The file that lies at the path now. In turn only. */
  const current = async (): Promise<DatabaseFile | HistoryFile> => {
    if (closed) throw closedError("the served file");
    if (file !== undefined && !file.isAt(absolute)) {
      await file.retire();
      file = undefined;
    }
    file ??= await openFile();
    return file;
  };
  // Looking at the files costs more than all the rest of a small answer: those who wait for it share one look.
  const found = turns.shared(current);
  const upToDate = turns.shared(async () => {
    const at = await current();
    if (at instanceof HistoryFile) await at.refresh();
    return at;
  });
  const view = async (wanted: OpenOptions): Promise<ServedView> => {
    const { revision, signal } = wanted;
    const deadline = performance.now() + busyTimeoutMs;
    // Without a history, each view looks at the state under a lock of its own.
    if (historyOptions === undefined) return turns.run(async () => (await current()).view(wanted, deadline));
    signal?.throwIfAborted();
    const at = await (revision === undefined ? upToDate() : found());
    signal?.throwIfAborted();
    return at instanceof HistoryFile ? at.viewNow(revision) : at.view(wanted, deadline);
  };
  const waitForChange = async (wait: WaitOptions): Promise<void> =>
    withStorageErrors(absolute, async () => {
      const at = await found();
      if (at instanceof HistoryFile) await at.waitForChange(wait);
    });

  const served: ServedFile = {
    name: basename(absolute),
    path: absolute,
    open: (wanted: OpenOptions = {}) =>
      withStorageErrors(absolute, async () => withWrappedRead(absolute, await view(wanted))),
    ...(historyOptions === undefined ? {} : { waitForChange }),
    newest: async () => {
      const view = await served.open();
      await view.close();
      return view.revision;
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
