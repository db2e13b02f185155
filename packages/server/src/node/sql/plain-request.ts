import type { SqlRequest, SqlStatement, SqlStep, SqlText } from "@lacuna/protocol";
import { SqlFailure } from "../../sql/sql-error.ts";
import { inspectSql } from "../../sql/sql-inspection.ts";
import type { PlainRequest, PlainStatement, PlainStep } from "./sql-messages.ts";

/** The SQL texts a stream has stored. */
export type StoredSql = ReadonlyMap<number, string>;

/** @throws {SqlFailure} if it names a text that is not stored */
function plainText(text: SqlText, stored: StoredSql): string {
  if ("sql" in text) return text.sql;
  const sql = stored.get(text.sqlId);
  if (sql !== undefined) return sql;
  throw new SqlFailure("SQL_NOT_FOUND", `no SQL text is stored under ${text.sqlId}`);
}

function plainStatement({ text, ...rest }: SqlStatement, stored: StoredSql): PlainStatement {
  return { ...rest, sql: plainText(text, stored) };
}

export function plainSteps(steps: readonly SqlStep[], stored: StoredSql): PlainStep[] {
  return steps.map(({ condition, statement }) => ({
    condition,
    statement: plainStatement(statement, stored),
  }));
}

/**
 * A request as a process takes it.
 * @returns `undefined` for one that needs no process
 * @throws {SqlFailure} if it names a text that is not stored
 */
export function plainRequest(request: SqlRequest, stored: StoredSql): PlainRequest | undefined {
  switch (request.type) {
    case "execute":
      return { type: "execute", statement: plainStatement(request.statement, stored) };
    case "batch":
      return { type: "batch", steps: plainSteps(request.steps, stored) };
    case "sequence":
    case "describe":
      return { type: request.type, sql: plainText(request.text, stored) };
    case "get_autocommit":
      return { type: "get_autocommit" };
    default:
      return undefined;
  }
}

/** Whether the steps must wait for the writer's turn. */
export function stepsNeedTurn(steps: readonly PlainStep[]): boolean {
  let last = "";
  return steps.some(({ statement: { sql } }) => {
    if (sql === last) return false;
    last = sql;
    return !inspectSql(sql).readsOnly;
  });
}

/** Whether the requests must wait for the writer's turn. */
export function needTurn(requests: readonly PlainRequest[]): boolean {
  return requests.some((request) => {
    if (request.type === "execute") return !inspectSql(request.statement.sql).readsOnly;
    if (request.type === "sequence") return !inspectSql(request.sql).readsOnly;
    return request.type === "batch" && stepsNeedTurn(request.steps);
  });
}
