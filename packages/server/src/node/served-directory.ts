import { readdir, realpath, stat } from "node:fs/promises";
import { join, resolve, sep } from "node:path";
import { closedError, LacunaError } from "@lacuna/page";
import { isDatabaseName } from "../host/database-name.ts";
import type { DatabaseLoan, DatabaseSet } from "../host/host-handler.ts";
import type { Metrics } from "../host/metrics.ts";
import { openServedFile, type ServedFile, type ServedFileOptions } from "./served-file.ts";
import { openServedSql, type ServedSqlFile, type ServedSqlFileOptions } from "./sql/open-served-sql.ts";
import { SqlProcessPool } from "./sql/process-pool.ts";

export interface ServedDirectoryOptions {
  /** How each file is opened. */
  readonly file?: ServedFileOptions | undefined;
  /** How SQL is run, or `false` for no SQL. */
  readonly sql?: Omit<ServedSqlFileOptions, "onWrite"> | false | undefined;
  /** Counts what is sent. */
  readonly metrics?: Metrics | undefined;
  /**
   * How long a database stays open after its last request, in milliseconds.
   * @default 60000
   */
  readonly idleMs?: number | undefined;
}

/** The databases of a directory. */
export interface ServedDirectory extends DatabaseSet {
  /** How many are open. */
  readonly openDatabases: number;
  /** How many streams of SQL are open, of all databases. */
  readonly openStreams: number;
  close(): Promise<void>;
}

interface Opened {
  readonly file: ServedFile;
  readonly sql: ServedSqlFile | undefined;
  readonly loan: Pick<DatabaseLoan, "database" | "sql">;
  users: number;
  timer: ReturnType<typeof setTimeout> | undefined;
}

/** The endings of a database file's name; `notes.db` is the database `notes`. */
const ENDINGS = ["", ".db", ".sqlite", ".sqlite3"];

/**
 * Serves the database files of a directory, not of those below it: `notes.db` under the names `notes` and `notes.db`. A file is opened by
 * the first request that asks for it, and closed when none has for a while. Links that lead out of the directory are not
 * followed.
 * @throws {LacunaError} `STORAGE` if it is no directory
 */
export async function openServedDirectory(
  path: string,
  options: ServedDirectoryOptions = {},
): Promise<ServedDirectory> {
  const { idleMs = 60_000, metrics } = options;
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory() !== true) {
    throw new LacunaError("STORAGE", `${path}: expected a directory of databases`, { path });
  }
  const root = await realpath(resolve(path));
  const sqlOptions = options.sql === false ? undefined : (options.sql ?? {});
  const ownPool =
    sqlOptions === undefined || sqlOptions.pool !== undefined ? undefined : new SqlProcessPool();
  const open = new Map<string, Promise<Opened>>();
  const closing = new Map<string, Promise<void>>();
  let closed = false;

  /** The file of a name, if there is one in the directory itself. */
  const locate = async (name: string): Promise<string | undefined> => {
    for (const ending of ENDINGS) {
      if (!isDatabaseFile(name + ending)) continue;
      const real = await realpath(join(root, name + ending)).catch(() => undefined);
      if (real === undefined || !real.startsWith(root + sep)) continue;
      if ((await stat(real).catch(() => undefined))?.isFile() === true) return real;
    }
    return undefined;
  };
  const start = async (file: string): Promise<Opened> => {
    // Two that have it open would take its locks and its history from each other.
    await closing.get(file);
    const served = await openServedFile(file, options.file);
    const sql =
      sqlOptions === undefined
        ? undefined
        : openServedSql(file, {
            ...sqlOptions,
            pool: sqlOptions.pool ?? ownPool,
            onWrite: () => served.newest(),
          });
    const database = metrics === undefined ? served : metrics.count(served);
    return { file: served, sql, loan: { database, sql }, users: 0, timer: undefined };
  };
  const stop = async (path: string, opened: Opened): Promise<void> => {
    clearTimeout(opened.timer);
    open.delete(path);
    await opened.sql?.close();
    await opened.file.close();
  };
  const settled: Opened[] = [];
  const stopIdle = (path: string, opened: Opened): void => {
    settled.splice(settled.indexOf(opened), 1);
    // Nobody asked for it; whoever asks for the file next is told what is wrong with it.
    const stopped = stop(path, opened).catch(() => {});
    closing.set(
      path,
      stopped.then(() => void closing.delete(path)),
    );
  };

  return {
    names: async () => {
      const names = new Set((await readdir(root)).filter(isDatabaseFile).map(withoutEnding));
      const found = await Promise.all([...names].map(async (name) => ((await locate(name)) ? name : "")));
      return found.filter((name) => name !== "").sort();
    },
    lend: async (name) => {
      const file = isDatabaseName(name) ? await locate(name) : undefined;
      if (closed) throw closedError("the directory");
      if (file === undefined) return undefined;
      let opening = open.get(file);
      if (opening === undefined) {
        opening = start(file);
        open.set(file, opening);
        opening.then(
          (opened) => settled.push(opened),
          () => open.delete(file),
        );
      }
      const opened = await opening;
      opened.users++;
      clearTimeout(opened.timer);
      let lent = true;
      return {
        ...opened.loan,
        release: () => {
          if (!lent) return;
          lent = false;
          if (--opened.users > 0 || closed) return;
          const stopLater = (): void => {
            opened.timer = setTimeout(() => {
              // A stream of SQL between two requests ends by itself; so much longer it stays open.
              if ((opened.sql?.openStreams ?? 0) > 0) stopLater();
              else stopIdle(file, opened);
            }, idleMs);
            opened.timer.unref();
          };
          stopLater();
        },
      };
    },
    get openDatabases() {
      return settled.length;
    },
    get openStreams() {
      return settled.reduce((sum, { sql }) => sum + (sql?.openStreams ?? 0), 0);
    },
    close: async () => {
      closed = true;
      await Promise.all(closing.values());
      const all = await Promise.allSettled(
        [...open].map(async ([file, opening]) => stop(file, await opening)),
      );
      settled.length = 0;
      ownPool?.close();
      for (const result of all) if (result.status === "rejected") throw result.reason;
    },
  };
}

function isDatabaseFile(name: string): boolean {
  return isDatabaseName(name) && !/-(wal|shm|journal|history|info|changes)$/i.test(name);
}

function withoutEnding(name: string): string {
  return name.replace(/\.(db|sqlite3?)$/i, "");
}
