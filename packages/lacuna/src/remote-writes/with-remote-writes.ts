import { isLacunaError, LacunaError, type RemoteRows } from "@lacuna/page";
import type {
  BatchResult,
  CallOptions,
  Parameters,
  SqlCalls,
  SqlDatabase,
  TransactionFunction,
  TransactionMode,
} from "@lacuna/sqlite";
import type { RemoteSession } from "./remote-session.ts";
import {
  type RemoteSettings,
  RemoteStatement,
  ran,
  remoteArguments,
  rowsOf,
  shown,
} from "./remote-statement.ts";
import { mayWrite } from "./writes.ts";

/**
 * The same calls, with statements that write run at the remote. Reads outside of a transaction stay local; inside of one,
 * everything is run at the remote.
 * @param safeIntegers whether INTEGER comes as bigint where nothing else is said, as it is set in `local`
 */
export function withRemoteWrites(
  local: SqlDatabase,
  session: RemoteSession,
  safeIntegers: boolean,
): SqlDatabase {
  const isRemote = (sql: string): boolean => session.inTransaction || mayWrite(sql);

  const calls = (own: SqlCalls, options: CallOptions) => {
    const settings = (): RemoteSettings => ({
      as: "object",
      safeIntegers: options.safeIntegers ?? safeIntegers,
      signal: options.signal,
    });
    const remotely = async (sql: string, parameters: Parameters, wantRows: boolean): Promise<RemoteRows> => {
      try {
        (await own.prepare(sql)).bind(...parameters);
      } catch (error) {
        // Only the transaction knows the tables that it made.
        if (!session.inTransaction || !isLacunaError(error, "SQL")) throw error;
      }
      return session.execute({ sql, ...remoteArguments(parameters), wantRows }, options.signal);
    };
    const rowsThere = async (sql: string, parameters: Parameters): Promise<never[]> =>
      rowsOf(await remotely(sql, parameters, true), settings()) as never[];
    const given: SqlCalls = {
      async prepare(sql, during) {
        const statement = await own.prepare(sql, during);
        const writes = mayWrite(sql);
        const remote = { session, isRemote: () => writes || session.inTransaction };
        return new RemoteStatement(statement, remote, settings());
      },
      exec: (sql, during) =>
        isRemote(sql) ? session.sequence(sql, during?.signal ?? options.signal) : own.exec(sql, during),
      run: async (sql, ...parameters) =>
        isRemote(sql) ? ran(await remotely(sql, parameters, false), settings()) : own.run(sql, ...parameters),
      get: async (sql, ...parameters) =>
        isRemote(sql) ? (await rowsThere(sql, parameters))[0] : own.get(sql, ...parameters),
      all: async (sql, ...parameters) =>
        isRemote(sql) ? rowsThere(sql, parameters) : own.all(sql, ...parameters),
      async *iterate(sql, ...parameters) {
        yield* isRemote(sql) ? await rowsThere(sql, parameters) : own.iterate<never>(sql, ...parameters);
      },
      pragma: (text, during) => own.pragma(text, during),
      isResident: (sql, ...parameters) => own.isResident(sql, ...parameters),
      estimate: (sql, ...parameters) => own.estimate(sql, ...parameters),
      with: (more) => calls(own.with(more), { ...options, ...more }).given,
    };
    return { given, remotely };
  };
  const { given, remotely } = calls(local, {});

  const batch: SqlDatabase["batch"] = async (statements, options) => {
    const how = typeof options === "string" ? { mode: options } : (options ?? {});
    const settings: RemoteSettings = {
      as: how.raw === true ? "array" : "object",
      safeIntegers: how.safeIntegers ?? safeIntegers,
      signal: undefined,
    };
    const run = async (): Promise<BatchResult[]> => {
      const results: BatchResult[] = [];
      for (const each of statements) {
        const { sql, args } = typeof each === "string" ? { sql: each } : each;
        const rows = await remotely(sql, args === undefined ? [] : ([args] as Parameters), true);
        results.push({
          columns: rows.columns.map(({ name }) => name),
          columnTypes: rows.columns.map(({ declaredType }) => declaredType ?? ""),
          rows: rowsOf(rows, settings) as BatchResult["rows"],
          rowsAffected: rows.affectedRows,
          lastInsertRowid: shown(rows.lastInsertRowid ?? 0n, settings) as number | bigint,
        });
      }
      return results;
    };
    return how.mode === undefined || session.inTransaction ? run() : session.transaction(how.mode, run);
  };

  const transaction = <Values extends readonly unknown[], Result>(
    run: (...values: Values) => Result,
  ): TransactionFunction<Values, Awaited<Result>> => {
    const inMode =
      (mode: TransactionMode) =>
      (...values: Values): Promise<Awaited<Result>> =>
        session.transaction(mode, () => run(...values));
    return Object.assign(inMode("deferred"), {
      deferred: inMode("deferred"),
      immediate: inMode("immediate"),
      exclusive: inMode("exclusive"),
    });
  };

  return {
    ...given,
    batch,
    transaction,
    transactionAsync: () => {
      throw new LacunaError(
        "NOT_SUPPORTED",
        "transactionAsync is not supported with remoteWrites yet; use transaction, or batch with a mode",
      );
    },
    get open() {
      return local.open;
    },
    get inTransaction() {
      return session.inTransaction;
    },
    defaultSafeIntegers(on = true) {
      safeIntegers = on;
      local.defaultSafeIntegers(on);
      return this;
    },
    stats: () => local.stats(),
    close: () => local.close(),
  };
}
