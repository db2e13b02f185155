import { LacunaError } from "@lacuna/page";
import { jsonCount, jsonList, jsonObject, jsonOptional, jsonText, shapeError } from "./json-shape.ts";
import { decodeSqlCondition, type SqlCondition } from "./sql-condition.ts";
import { decodeSqlValue, type SqlValue } from "./sql-value.ts";

/** SQL, as text or as the number of a text stored earlier in the stream. */
export type SqlText = { readonly sql: string } | { readonly sqlId: number };

export interface SqlStatement {
  readonly text: SqlText;
  /** Positional arguments. */
  readonly args: readonly SqlValue[];
  /** Arguments by name, with or without the sign in front. */
  readonly namedArgs: readonly { readonly name: string; readonly value: SqlValue }[];
  /** Whether rows and columns should be sent. */
  readonly wantRows: boolean;
}

export interface SqlStep {
  /** Absent: always. */
  readonly condition: SqlCondition | undefined;
  readonly statement: SqlStatement;
}

/** One request of a stream, which is a connection to the database with its transaction. */
export type SqlRequest =
  | { readonly type: "execute"; readonly statement: SqlStatement }
  | { readonly type: "batch"; readonly steps: readonly SqlStep[] }
  | { readonly type: "sequence"; readonly text: SqlText }
  | { readonly type: "describe"; readonly text: SqlText }
  | { readonly type: "store_sql"; readonly sqlId: number; readonly sql: string }
  | { readonly type: "close_sql"; readonly sqlId: number }
  | { readonly type: "get_autocommit" }
  | { readonly type: "close" };

/** The body of `POST /v2/pipeline` and `/v3/pipeline`. */
export interface PipelineRequest {
  /** Names the stream to go on with; absent for a new one. */
  readonly baton: string | undefined;
  readonly requests: readonly SqlRequest[];
}

/** The body of `POST /v3/cursor`. */
export interface CursorRequest {
  readonly baton: string | undefined;
  readonly steps: readonly SqlStep[];
}

const MAX_REQUESTS = 10_000;
const MAX_STEPS = 1_000_000;
const MAX_ARGS = 32_766;
const MAX_SQL_ID = 0x7fff_ffff;

/** @throws {LacunaError} `PROTOCOL` if the value parsed from JSON is not such a request */
export function decodePipelineRequest(json: unknown): PipelineRequest {
  const { baton, requests } = jsonObject(json, "the body");
  if (!Array.isArray(requests)) throw shapeError("requests", "an array", requests);
  return {
    baton: jsonOptional(baton, "baton", jsonText),
    requests: jsonList(requests, "requests", MAX_REQUESTS).map((request, i) =>
      decodeRequest(request, `requests[${i}]`),
    ),
  };
}

/** @throws {LacunaError} `PROTOCOL` if the value parsed from JSON is not such a request */
export function decodeCursorRequest(json: unknown): CursorRequest {
  const { baton, batch } = jsonObject(json, "the body");
  return { baton: jsonOptional(baton, "baton", jsonText), steps: decodeSteps(batch, "batch") };
}

function decodeRequest(json: unknown, where: string): SqlRequest {
  const request = jsonObject(json, where);
  const { type } = request;
  const sqlId = (): number => jsonCount(request["sql_id"], `${where}.sql_id`, MAX_SQL_ID);
  switch (type) {
    case "execute":
      return { type, statement: decodeStatement(request["stmt"], `${where}.stmt`) };
    case "batch":
      return { type, steps: decodeSteps(request["batch"], `${where}.batch`) };
    case "sequence":
    case "describe":
      return { type, text: decodeText(request["sql"], request["sql_id"], where) };
    case "store_sql":
      return { type, sqlId: sqlId(), sql: jsonText(request["sql"], `${where}.sql`) };
    case "close_sql":
      return { type, sqlId: sqlId() };
    case "get_autocommit":
    case "close":
      return { type };
    default:
      throw shapeError(
        `${where}.type`,
        "execute, batch, sequence, describe, store_sql, close_sql, get_autocommit or close",
        type,
      );
  }
}

function decodeSteps(json: unknown, where: string): SqlStep[] {
  const { steps } = jsonObject(json, where);
  if (!Array.isArray(steps)) throw shapeError(`${where}.steps`, "an array", steps);
  return jsonList(steps, `${where}.steps`, MAX_STEPS).map((step, i) => {
    const at = `${where}.steps[${i}]`;
    const { condition, stmt } = jsonObject(step, at);
    const read = (value: unknown, path: string): SqlCondition =>
      decodeSqlCondition(value, path, steps.length);
    return {
      condition: jsonOptional(condition, `${at}.condition`, read),
      statement: decodeStatement(stmt, `${at}.stmt`),
    };
  });
}

function decodeStatement(json: unknown, where: string): SqlStatement {
  const statement = jsonObject(json, where);
  const wantRows = statement["want_rows"] ?? true;
  if (typeof wantRows !== "boolean") throw shapeError(`${where}.want_rows`, "a boolean", wantRows);
  const args = jsonList(statement["args"], `${where}.args`, MAX_ARGS);
  const namedArgs = jsonList(statement["named_args"], `${where}.named_args`, MAX_ARGS);
  return {
    text: decodeText(statement["sql"], statement["sql_id"], where),
    args: args.map((arg, i) => decodeSqlValue(arg, `${where}.args[${i}]`)),
    namedArgs: namedArgs.map((json, i) => {
      const at = `${where}.named_args[${i}]`;
      const { name, value } = jsonObject(json, at);
      return { name: jsonText(name, `${at}.name`), value: decodeSqlValue(value, `${at}.value`) };
    }),
    wantRows,
  };
}

function decodeText(sql: unknown, sqlId: unknown, where: string): SqlText {
  const text = jsonOptional(sql, `${where}.sql`, jsonText);
  const id = jsonOptional(sqlId, `${where}.sql_id`, (value, at) => jsonCount(value, at, MAX_SQL_ID));
  if (text !== undefined && id === undefined) return { sql: text };
  if (id !== undefined && text === undefined) return { sqlId: id };
  throw new LacunaError("PROTOCOL", `${where} must have either sql or sql_id`);
}
