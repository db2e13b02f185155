import type {
  RemoteAnswer,
  RemoteColumn,
  RemotePipeline,
  RemoteRequest,
  RemoteResult,
  RemoteRows,
  RemoteSqlError,
  RemoteStepResult,
} from "@lacuna/page";
import {
  type JsonObject,
  jsonCount,
  jsonList,
  jsonObject,
  jsonOptional,
  jsonText,
  shapeError,
} from "./json-shape.ts";
import { decodeSqlValue } from "./sql-value.ts";

const MAX_COLUMNS = 32_767;
const MAX_ROWS = 10_000_000;

/**
 * The answer to a pipeline, from the value parsed from JSON.
 * @param pipeline what it answers: each request must have a result of its kind, and each step of a batch at most one
 * @throws {LacunaError} `PROTOCOL` if it is not such an answer
 */
export function decodePipelineAnswer(json: unknown, pipeline: RemotePipeline): RemoteAnswer {
  const { baton, results } = jsonObject(json, "the answer");
  const list = listOf(results, "results", pipeline.requests.length);
  return {
    baton: jsonOptional(baton, "baton", jsonText),
    results: pipeline.requests.map((request, i) => decodeResult(list[i], `results[${i}]`, request)),
  };
}

function decodeResult(json: unknown, where: string, request: RemoteRequest): RemoteResult {
  const { type, response, error } = jsonObject(json, where);
  if (type === "error") return { type, error: decodeError(error, `${where}.error`) };
  if (type !== "ok") throw shapeError(`${where}.type`, "ok or error", type);
  const at = `${where}.response`;
  const answered = jsonObject(response, at);
  if (answered["type"] !== request.type) throw shapeError(`${at}.type`, request.type, answered["type"]);
  switch (request.type) {
    case "execute":
      return { type: request.type, result: decodeRows(answered["result"], `${at}.result`) };
    case "batch":
      return {
        type: request.type,
        steps: decodeSteps(answered["result"], `${at}.result`, request.steps.length),
      };
    case "get_autocommit": {
      const isAutocommit = answered["is_autocommit"];
      if (typeof isAutocommit !== "boolean")
        throw shapeError(`${at}.is_autocommit`, "a boolean", isAutocommit);
      return { type: request.type, isAutocommit };
    }
    default:
      return { type: request.type };
  }
}

function decodeSteps(json: unknown, where: string, count: number): (RemoteStepResult | undefined)[] {
  const { step_results, step_errors } = jsonObject(json, where);
  const results = listOf(step_results, `${where}.step_results`, count);
  const errors = listOf(step_errors, `${where}.step_errors`, count);
  return results.map((result, i) => {
    const error = jsonOptional(errors[i], `${where}.step_errors[${i}]`, decodeError);
    if (error !== undefined) return { error };
    const ok = jsonOptional(result, `${where}.step_results[${i}]`, decodeRows);
    return ok === undefined ? undefined : { ok };
  });
}

function decodeRows(json: unknown, where: string): RemoteRows {
  const result = jsonObject(json, where);
  const columns = jsonList(result["cols"], `${where}.cols`, MAX_COLUMNS).map((column, i) =>
    decodeColumn(column, `${where}.cols[${i}]`),
  );
  const rows = jsonList(result["rows"], `${where}.rows`, MAX_ROWS).map((row, i) =>
    listOf(row, `${where}.rows[${i}]`, columns.length).map((value, k) =>
      decodeSqlValue(value, `${where}.rows[${i}][${k}]`),
    ),
  );
  const affected = jsonOptional(result["affected_row_count"], `${where}.affected_row_count`, anyCount) ?? 0;
  return { columns, rows, affectedRows: affected, lastInsertRowid: rowidOf(result, where) };
}

function decodeColumn(json: unknown, where: string): RemoteColumn {
  const { name, decltype } = jsonObject(json, where);
  return {
    name: jsonOptional(name, `${where}.name`, jsonText) ?? "",
    declaredType: jsonOptional(decltype, `${where}.decltype`, jsonText),
  };
}

function decodeError(json: unknown, where: string): RemoteSqlError {
  const { message, code } = jsonObject(json, where);
  return {
    message: jsonText(message, `${where}.message`),
    code: jsonOptional(code, `${where}.code`, jsonText) ?? "UNKNOWN",
  };
}

function rowidOf(result: JsonObject, where: string): bigint | undefined {
  const at = `${where}.last_insert_rowid`;
  const text = jsonOptional(result["last_insert_rowid"], at, jsonText);
  if (text === undefined) return undefined;
  const value = decodeSqlValue({ type: "integer", value: text }, at);
  return value as bigint;
}

const anyCount = (value: unknown, where: string): number => jsonCount(value, where, Number.MAX_SAFE_INTEGER);

/** A list of exactly so many members. */
function listOf(value: unknown, where: string, count: number): readonly unknown[] {
  if (!Array.isArray(value)) throw shapeError(where, "an array", value);
  if (value.length !== count) throw shapeError(where, `an array of ${count} members`, value.length);
  return value;
}
