import { readFile, stat } from "node:fs/promises";
import { LacunaError } from "@lacuna/page";
import {
  type AccessToken,
  type Handler,
  hostHandler,
  Metrics,
  parseAccessTokens,
  type SyncHandlerOptions,
  syncHandler,
  withOperations,
  withRequestRecords,
} from "@lacuna/server";
import {
  openServedDirectory,
  openServedFile,
  openServedSql,
  type ServedFileOptions,
  SqlProcessPool,
  serveNode,
  withCompression,
} from "@lacuna/server/node";
import type { CommandContext } from "./command-context.ts";
import { printable } from "./format/printable.ts";
import { formatBytes, formatCount } from "./format/quantity.ts";
import { bytesOption, integerOption, parseArguments } from "./parse-arguments.ts";
import { jsonLog, textLog } from "./serve-log.ts";
import { UsageError } from "./usage-error.ts";

const COMMAND = "serve";
const LOOPBACK = /^(localhost|127(\.\d+){3}|\[?::1\]?)$/i;
const HOUR_MS = 3_600_000;

/** What is served, whether one database or several. */
interface Subject {
  readonly handler: Handler;
  readonly metrics: Metrics;
  readonly check: (() => Promise<unknown>) | undefined;
  /** What is said when the server stands at a URL with a slash at the end. */
  announcement(base: string): string;
  close(): Promise<void>;
}

/**
 * `lacuna serve`: serves a database, or a directory of them, until the signal of the context is aborted, then lets running
 * requests finish.
 * @throws {UsageError} for a wrong command line, or what kept it from serving
 */
export async function serveCommand(args: readonly string[], context: CommandContext): Promise<void> {
  const { values, positionals } = parseArguments(COMMAND, args, {
    port: { type: "string", default: "8080" },
    host: { type: "string", default: "127.0.0.1" },
    domain: { type: "string" },
    "read-only": { type: "boolean", default: false },
    "auth-token": { type: "string" },
    "auth-token-file": { type: "string" },
    "keep-hours": { type: "string", default: "24" },
    "keep-bytes": { type: "string", default: "256m" },
    "sql-limit": { type: "string", default: "10000" },
    log: { type: "string" },
    verbose: { type: "boolean", default: false },
  });
  const [path, ...more] = positionals;
  if (path === undefined) throw new UsageError("there is no FILE", COMMAND);
  if (more.length > 0)
    throw new UsageError(`there is one FILE to serve, got also '${more.join("', '")}'`, COMMAND);
  const port = integerOption(COMMAND, "port", values.port, { least: 0, most: 65_535 });
  const keepHours = integerOption(COMMAND, "keep-hours", values["keep-hours"], { least: 0, most: 1_000_000 });
  const keepBytes = bytesOption(COMMAND, "keep-bytes", values["keep-bytes"]);
  const sqlLimitMs = integerOption(COMMAND, "sql-limit", values["sql-limit"], { least: 1, most: 86_400_000 });
  const { host, domain } = values;
  if (values.log !== undefined && values.log !== "text" && values.log !== "json") {
    throw new UsageError(`--log must be text or json, got '${values.log}'`, COMMAND);
  }
  const log = values.log === "json" ? jsonLog : textLog;
  const readOnly = values["read-only"];
  const authToken = await accessTokens(values["auth-token"], values["auth-token-file"], context);
  const kind = await kindOf(path);
  if (domain !== undefined && kind === "file") {
    throw new UsageError("--domain is for a directory of databases", COMMAND);
  }

  const onError = (error: unknown, request?: Request): void => {
    const message = error instanceof Error ? error.message : String(error);
    const what = request && { method: request.method, path: new URL(request.url).pathname };
    void note(context, log.error(message, what));
  };
  const handling = { authToken, readOnly, onError };
  // Without a history nothing is written to the file, nor beside it.
  const history = readOnly ? false : { retentionMs: keepHours * HOUR_MS, retentionBytes: keepBytes };
  const opening = { file: { history }, sqlLimitMs };
  const subject =
    kind === "file"
      ? await fileSubject(path, opening, handling)
      : await directorySubject(path, domain, opening, handling);
  try {
    const { metrics, check } = subject;
    const recorded = withRequestRecords(withCompression(subject.handler), (record) => {
      metrics.record(record);
      if (values.verbose || values.log !== undefined) void note(context, log.request(record));
    });
    const server = await serveNode({
      handler: withOperations(recorded, { metrics, authToken, check }),
      port,
      host,
    });
    try {
      await context.stdout.write(subject.announcement(`${server.url}/`));
      if (authToken === undefined && !LOOPBACK.test(host)) {
        const may = readOnly ? "read" : "read and write";
        const message = `everybody who can reach ${host} may ${may} the database; set --auth-token`;
        await note(context, log.warning(message));
      }
      await untilAborted(context.signal);
      if (values.verbose) await note(context, "stopping when the answers under way are finished");
    } finally {
      await server.close();
    }
  } finally {
    await subject.close();
  }
}

interface Opening {
  readonly file: ServedFileOptions;
  readonly sqlLimitMs: number;
}

type Handling = Pick<SyncHandlerOptions, "authToken" | "readOnly"> & {
  readonly onError: (error: unknown, request?: Request) => void;
};

async function fileSubject(
  path: string,
  { file, sqlLimitMs }: Opening,
  handling: Handling,
): Promise<Subject> {
  const served = await openServedFile(path, file);
  const pool = new SqlProcessPool();
  const sql = openServedSql(path, {
    pool,
    sqlLimitMs,
    onWrite: () => served.newest(),
    onError: handling.onError,
  });
  const close = async (): Promise<void> => {
    await sql.close();
    pool.close();
    await served.close();
  };
  try {
    const metrics = new Metrics();
    metrics.gauge("open_streams", "Streams of SQL that are open.", () => sql.openStreams);
    metrics.gauge("sql_processes", "Processes that run SQL.", () => pool.size);
    const view = await served.open();
    const { pageCount, pageSize } = view;
    await view.close();
    const size = `${formatBytes(pageCount * pageSize)} in ${formatCount(pageCount, "page")}`;
    return {
      handler: syncHandler({ ...handling, database: metrics.count(served), sql }),
      metrics,
      check: () => served.newest(),
      announcement: (base) =>
        `Serving ${printable(served.name)}, ${size}\n  sync    ${base}\n  static  ${base}${encodeURIComponent(served.name)}\n`,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function directorySubject(
  path: string,
  domain: string | undefined,
  { file, sqlLimitMs }: Opening,
  handling: Handling,
): Promise<Subject> {
  const pool = new SqlProcessPool();
  const metrics = new Metrics();
  const sql = { pool, sqlLimitMs, onError: handling.onError };
  const directory = await openServedDirectory(path, { file, sql, metrics });
  metrics.gauge("open_databases", "Databases that are open.", () => directory.openDatabases);
  metrics.gauge("open_streams", "Streams of SQL that are open.", () => directory.openStreams);
  metrics.gauge("sql_processes", "Processes that run SQL.", () => pool.size);
  const names = await directory.names();
  return {
    handler: hostHandler({ ...handling, databases: directory, domain }),
    metrics,
    check: undefined,
    announcement: (base) => {
      const count = formatCount(names.length, "database");
      return `Serving ${printable(path)}, ${count}\n  sync    ${base}NAME\n  static  ${base}NAME/NAME.db\n`;
    },
    close: async () => {
      await directory.close();
      pool.close();
    },
  };
}

/**
 * The tokens of the command line, the file and the environment.
 * @returns `undefined` if there is none
 */
async function accessTokens(
  token: string | undefined,
  file: string | undefined,
  { env }: CommandContext,
): Promise<AccessToken[] | undefined> {
  const tokens: AccessToken[] = [];
  const given = token ?? (file === undefined ? env["LACUNA_AUTH_TOKEN"] : undefined) ?? "";
  if (given !== "") tokens.push({ token: given, access: "write" });
  if (file !== undefined) {
    const text = await readFile(file, "utf8").catch((cause: NodeJS.ErrnoException) => {
      throw new LacunaError("STORAGE", `${file}: ${cause.message}`, { path: file, cause });
    });
    const listed = parseAccessTokens(text);
    // An empty list would open the door to everybody.
    if (listed.length === 0)
      throw new LacunaError("INVALID_OPTION", `${file}: there is no token in it`, { path: file });
    tokens.push(...listed);
  }
  return tokens.length === 0 ? undefined : tokens;
}

/** @throws {LacunaError} that says what is wrong with the path in the words of the user */
async function kindOf(path: string): Promise<"file" | "directory"> {
  const found = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    const reason = cause.code === "ENOENT" ? "there is no such file" : cause.message;
    throw new LacunaError("STORAGE", `${path}: ${reason}`, { path, cause });
  });
  if (found.isFile()) return "file";
  if (found.isDirectory()) return "directory";
  throw new LacunaError(
    "NOT_A_DATABASE",
    `${path}: expected a database file or a directory, found a device`,
    {
      path,
    },
  );
}

/** A line for the operator. Where nobody reads it, the server goes on. */
const note = ({ stderr }: CommandContext, line: string): Promise<void> =>
  stderr.write(`${line}\n`).catch(() => {});

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
