import { LacunaError, type RemoteResult, type RemoteStatement, type SqlValue } from "@lacuna/page";
import type { Mark } from "./sync-state.ts";

/** The table of marks, in the form that all clients of the protocol share. It is ordinary data and travels in pages. */
export const MARK_TABLE = "turso_sync_last_change_id";

export const CREATE_MARKS = `CREATE TABLE IF NOT EXISTS ${MARK_TABLE} (client_id TEXT PRIMARY KEY, pull_gen INTEGER, change_id INTEGER)`;

/** Gives the mark of a client. */
export const SELECT_MARK = `SELECT pull_gen, change_id FROM ${MARK_TABLE} WHERE client_id = ?`;

/** Fails unless the client's mark is the one expected, and changes nothing then: another one may only replace that. */
export function expectMark(client: string, expected: Mark | undefined): RemoteStatement {
  return {
    sql:
      `INSERT INTO ${MARK_TABLE}(client_id, pull_gen, change_id) SELECT ?, 0, 0 WHERE EXISTS ` +
      `(SELECT 1 FROM ${MARK_TABLE} WHERE client_id = ? AND NOT (pull_gen IS ? AND change_id IS ?))`,
    args: [client, client, ...integers(expected)],
  };
}

export function writeMark(client: string, mark: Mark): RemoteStatement {
  return {
    sql:
      `INSERT INTO ${MARK_TABLE}(client_id, pull_gen, change_id) VALUES (?, ?, ?) ` +
      "ON CONFLICT(client_id) DO UPDATE SET pull_gen=excluded.pull_gen, change_id=excluded.change_id",
    args: [client, ...integers(mark)],
  };
}

function integers(mark: Mark | undefined): [SqlValue, SqlValue] {
  return mark === undefined ? [null, null] : [BigInt(mark.generation), BigInt(mark.transaction)];
}

/** A mark from the columns of `SELECT_MARK`. @throws {LacunaError} `PROTOCOL` */
export function markOf(row: readonly unknown[]): Mark {
  const [generation, transaction] = row.map((value) => (typeof value === "bigint" ? Number(value) : value));
  if (Number.isSafeInteger(generation) && Number.isSafeInteger(transaction)) {
    return { generation: generation as number, transaction: transaction as number };
  }
  throw new LacunaError("PROTOCOL", `a row of ${MARK_TABLE} must have two integers`);
}

/** The mark in the answer to `SELECT_MARK`; `undefined` where there is none. @throws {LacunaError} `PROTOCOL` */
export function markInAnswer(result: RemoteResult | undefined): Mark | undefined {
  const step = result?.type === "batch" ? result.steps[0] : undefined;
  const error = result?.type === "error" ? result.error : step?.error;
  if (error !== undefined) {
    if (isMissingTable(error.message)) return undefined;
    throw new LacunaError("PROTOCOL", `the remote refused to tell its mark: ${error.message}`);
  }
  if (step?.ok === undefined) throw new LacunaError("PROTOCOL", "the remote did not tell its mark");
  const [row] = step.ok.rows;
  return row === undefined ? undefined : markOf(row);
}

export const isMissingTable = (message: string): boolean => message.includes("no such table");

export const sameMark = (a: Mark | undefined, b: Mark | undefined): boolean =>
  a?.generation === b?.generation && a?.transaction === b?.transaction;
