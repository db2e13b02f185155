import { closedError, LacunaError, type RemoteStatement as RemoteCall, type RemoteRows } from "@lacuna/page";
import type { CallOptions, Parameters, Row, RunResult, SqlResult, SqlStatement } from "@lacuna/sqlite";
import { boundValue } from "@lacuna/sync";
import type { RemoteSession } from "./remote-session.ts";

/** What a statement is run with. */
export interface RemoteSettings {
  readonly as: "object" | "array" | "value";
  readonly safeIntegers: boolean;
  readonly signal: AbortSignal | undefined;
}

/** A statement that runs at the remote while `isRemote` says so, and locally otherwise. */
export class RemoteStatement implements SqlStatement {
  readonly #local: SqlStatement;
  readonly #session: RemoteSession;
  readonly #isRemote: () => boolean;
  #settings: RemoteSettings;
  readonly #shared: { finalized: boolean };
  #bound: Parameters | undefined;

  constructor(
    local: SqlStatement,
    remote: { readonly session: RemoteSession; readonly isRemote: () => boolean },
    settings: RemoteSettings,
    shared = { finalized: false },
  ) {
    this.#shared = shared;
    this.#local = local;
    this.#session = remote.session;
    this.#isRemote = remote.isRemote;
    this.#settings = settings;
  }

  get sql(): string {
    return this.#local.sql;
  }

  get reader(): boolean {
    return this.#local.reader;
  }

  async run(...parameters: Parameters): Promise<RunResult> {
    if (!this.#isRemote()) return this.#local.run(...parameters);
    return ran(await this.#execute(parameters, false), this.#settings);
  }

  async get<T = Row>(...parameters: Parameters): Promise<T | undefined> {
    if (!this.#isRemote()) return this.#local.get<T>(...parameters);
    return (await this.all<T>(...parameters))[0];
  }

  async all<T = Row>(...parameters: Parameters): Promise<T[]> {
    if (!this.#isRemote()) return this.#local.all<T>(...parameters);
    return rowsOf(await this.#execute(parameters, true), this.#settings) as T[];
  }

  async *iterate<T = Row>(...parameters: Parameters): AsyncGenerator<T, void, undefined> {
    if (this.#isRemote()) yield* await this.all<T>(...parameters);
    else yield* this.#local.iterate<T>(...parameters);
  }

  raw(on = true): this {
    this.#local.raw(on);
    return this.#as("array", on);
  }

  pluck(on = true): this {
    this.#local.pluck(on);
    return this.#as("value", on);
  }

  safeIntegers(on = true): this {
    this.#local.safeIntegers(on);
    return this.#set({ safeIntegers: on });
  }

  bind(...parameters: Parameters): this {
    this.#local.bind(...parameters);
    this.#bound = parameters;
    return this;
  }

  with(options: CallOptions): SqlStatement {
    const { signal = this.#settings.signal, safeIntegers = this.#settings.safeIntegers } = options;
    const settings = { ...this.#settings, signal, safeIntegers };
    const remote = { session: this.#session, isRemote: this.#isRemote };
    const other = new RemoteStatement(this.#local.with(options), remote, settings, this.#shared);
    other.#bound = this.#bound;
    return other;
  }

  columns(): ReturnType<SqlStatement["columns"]> {
    return this.#local.columns();
  }

  finalize(): void {
    this.#shared.finalized = true;
    this.#local.finalize();
  }

  close(): void {
    this.finalize();
  }

  #as(as: RemoteSettings["as"], on: boolean): this {
    if (on) return this.#set({ as });
    return this.#settings.as === as ? this.#set({ as: "object" }) : this;
  }

  #set(settings: Partial<RemoteSettings>): this {
    this.#settings = { ...this.#settings, ...settings };
    return this;
  }

  async #execute(parameters: Parameters, wantRows: boolean): Promise<RemoteRows> {
    if (this.#shared.finalized) throw closedError("the statement");
    // The local statement says what does not fit, also where values are bound already.
    if (this.#bound === undefined || parameters.length > 0) this.#local.with({}).bind(...parameters);
    const given = this.#bound ?? parameters;
    return this.#session.execute(
      { sql: this.sql, ...remoteArguments(given), wantRows },
      this.#settings.signal,
    );
  }
}

/** Parameters as the remote takes them. */
export function remoteArguments(given: readonly unknown[]): Pick<RemoteCall, "args" | "namedArgs"> {
  const [first] = given;
  if (given.length !== 1 || first === null || typeof first !== "object")
    return { args: given.map(boundValue) };
  if (Array.isArray(first)) return { args: first.map(boundValue) };
  if (first instanceof Uint8Array || first instanceof ArrayBuffer) return { args: [boundValue(first)] };
  return { namedArgs: Object.entries(first).map(([name, value]) => ({ name, value: boundValue(value) })) };
}

/** What a statement without rows did. */
export function ran({ affectedRows, lastInsertRowid = 0n }: RemoteRows, settings: RemoteSettings): RunResult {
  return { changes: affectedRows, lastInsertRowid: shown(lastInsertRowid, settings) as number | bigint };
}

/** Rows in the form that was asked for. */
export function rowsOf({ columns, rows }: RemoteRows, settings: RemoteSettings): unknown[] {
  return rows.map((row) => {
    const values = row.map((value) => shown(value, settings));
    if (settings.as === "array") return values;
    if (settings.as === "value") return values[0];
    return Object.fromEntries(columns.map(({ name }, at) => [name, values[at] ?? null]));
  });
}

/** @throws {LacunaError} `INVALID_OPTION` for an INTEGER that a number cannot hold, where no bigint was asked for */
export function shown(value: SqlResult, { safeIntegers }: RemoteSettings): SqlResult {
  if (typeof value !== "bigint" || safeIntegers) return value;
  const number = Number(value);
  if (Number.isSafeInteger(number)) return number;
  throw new LacunaError(
    "INVALID_OPTION",
    `the INTEGER ${value} is exact only as a bigint: use safeIntegers()`,
  );
}
