import { LacunaError } from "@lacuna/page";
import type {
  BatchResult,
  SqlCalls,
  SqlDatabase,
  TransactionFunction,
  TransactionMode,
} from "@lacuna/sqlite";
import type { RemoteSession } from "./remote-session.ts";
import { RemoteStatement, remoteArguments, rowsOf } from "./remote-statement.ts";
import { mayWrite } from "./writes.ts";

/**
 * The same calls, with statements that write run at the remote. Reads outside of a transaction stay local; inside of one,
 * everything is run at the remote.
 */
export function withRemoteWrites(local: SqlDatabase, session: RemoteSession): SqlDatabase {
  let safeIntegers = false;

  const calls = (own: SqlCalls, signal: AbortSignal | undefined): SqlCalls => {
    const prepare: SqlCalls["prepare"] = async (sql, options) => {
      const statement = await own.prepare(sql, options);
      const writes = mayWrite(sql);
      const isRemote = (): boolean => writes || session.inTransaction;
      return new RemoteStatement(statement, { session, isRemote }, { as: "object", safeIntegers, signal });
    };
    const isRemote = (sql: string): boolean => session.inTransaction || mayWrite(sql);
    return {
      prepare,
      exec: (sql, options) =>
        isRemote(sql) ? session.sequence(sql, options?.signal ?? signal) : own.exec(sql, options),
      run: async (sql, ...parameters) => (await prepare(sql)).run(...parameters),
      get: async (sql, ...parameters) => (await prepare(sql)).get(...parameters),
      all: async (sql, ...parameters) => (await prepare(sql)).all(...parameters),
      async *iterate(sql, ...parameters) {
        yield* (await prepare(sql)).iterate(...parameters) as AsyncIterableIterator<never>;
      },
      pragma: (text, options) => own.pragma(text, options),
      isResident: (sql, ...parameters) => own.isResident(sql, ...parameters),
      estimate: (sql, ...parameters) => own.estimate(sql, ...parameters),
      with: (options) => calls(own.with(options), options.signal ?? signal),
    };
  };

  const around = async <T>(mode: TransactionMode, body: () => T): Promise<Awaited<T>> => {
    await session.sequence(`BEGIN ${mode}`, undefined);
    try {
      const result = await body();
      await session.sequence("COMMIT", undefined);
      return result;
    } catch (error) {
      if (session.inTransaction) await session.sequence("ROLLBACK", undefined).catch(() => {});
      throw error;
    }
  };

  const batch: SqlDatabase["batch"] = async (statements, options) => {
    const { mode, raw = false } = typeof options === "string" ? { mode: options } : (options ?? {});
    const run = async (): Promise<BatchResult[]> => {
      const results: BatchResult[] = [];
      for (const each of statements) {
        const { sql, args = [] } = typeof each === "string" ? { sql: each } : each;
        const given = Array.isArray(args) ? args : [args];
        const rows = await session.execute({ sql, ...remoteArguments(given), wantRows: true }, undefined);
        results.push({
          columns: rows.columns.map(({ name }) => name),
          columnTypes: rows.columns.map(({ declaredType }) => declaredType ?? ""),
          rows: rowsOf(rows, {
            as: raw ? "array" : "object",
            safeIntegers,
            signal: undefined,
          }) as BatchResult["rows"],
          rowsAffected: rows.affectedRows,
          lastInsertRowid: rows.lastInsertRowid ?? 0n,
        });
      }
      return results;
    };
    return mode === undefined || session.inTransaction ? run() : around(mode, run);
  };

  const transaction = <Values extends readonly unknown[], Result>(
    run: (...values: Values) => Result,
  ): TransactionFunction<Values, Awaited<Result>> => {
    const inMode =
      (mode: TransactionMode) =>
      (...values: Values): Promise<Awaited<Result>> =>
        around(mode, () => run(...values));
    return Object.assign(inMode("deferred"), {
      deferred: inMode("deferred"),
      immediate: inMode("immediate"),
      exclusive: inMode("exclusive"),
    });
  };

  return {
    ...calls(local, undefined),
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
