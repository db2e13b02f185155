import type { TransactionMode } from "@lacuna/sqlite";

/** What a statement does to the transaction, if that is all that it does. */
export type TransactionControl =
  | { readonly does: "begin"; readonly mode: TransactionMode }
  | { readonly does: "commit" | "rollBack" };

/** Of the SQL that begins or ends a transaction as a whole; `undefined` for any other. */
export function transactionControl(sql: string): TransactionControl | undefined {
  const [, word, mode = "deferred"] =
    /^[\s;]*(BEGIN|COMMIT|END|ROLLBACK)(?:\s+(DEFERRED|IMMEDIATE|EXCLUSIVE))?(?:\s+TRANSACTION)?[\s;]*$/i.exec(
      sql,
    ) ?? [];
  if (word === undefined) return undefined;
  const upper = word.toUpperCase();
  if (upper === "BEGIN") return { does: "begin", mode: mode.toLowerCase() as TransactionMode };
  return { does: upper === "ROLLBACK" ? "rollBack" : "commit" };
}
