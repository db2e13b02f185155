import type { TransactionMode } from "@lacuna/sqlite";

/** What a statement does to the transaction, if that is all that it does. */
export type TransactionControl =
  | { readonly does: "begin"; readonly mode: TransactionMode }
  | { readonly does: "commit" | "rollBack" };

const COMMENTS = /--[^\n]*|\/\*.*?(?:\*\/|$)/gs;
const CONTROL =
  /^[\s;]*(BEGIN|COMMIT|END|ROLLBACK)(?:\s+(DEFERRED|IMMEDIATE|EXCLUSIVE))?(?:\s+TRANSACTION)?[\s;]*$/i;

/** Of the SQL that begins or ends a transaction as a whole; `undefined` for any other. */
export function transactionControl(sql: string): TransactionControl | undefined {
  // Most SQL is told by its first letter.
  if (!/^[\s;]*[-/bcer]/i.test(sql)) return undefined;
  const [, word, mode = "deferred"] = CONTROL.exec(sql.replace(COMMENTS, " ")) ?? [];
  if (word === undefined) return undefined;
  const upper = word.toUpperCase();
  if (upper === "BEGIN") return { does: "begin", mode: mode.toLowerCase() as TransactionMode };
  return { does: upper === "ROLLBACK" ? "rollBack" : "commit" };
}
