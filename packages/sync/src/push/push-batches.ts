import type { ChangeTransaction } from "../changes/change.ts";
import type { PlannedStatement } from "../statements/planned-statement.ts";

/** A transaction and how to repeat it. */
export interface PlannedTransaction extends ChangeTransaction {
  readonly statements: readonly PlannedStatement[];
}

/** Transactions that go in one request. */
export interface PushBatch {
  /** Never empty. */
  readonly transactions: readonly PlannedTransaction[];
  readonly statements: readonly PlannedStatement[];
}

export interface BatchLimits {
  /** A batch is closed behind the transaction with which it has so many statements. */
  readonly operations: number;
  /** A batch is closed behind the transaction with which its request is about so long. */
  readonly bytes: number;
}

/** Of JSON around a statement. */
const STATEMENT_BYTES = 110;

/** Puts whole transactions together into requests, in their order. */
export function* pushBatches(
  transactions: Iterable<PlannedTransaction>,
  { operations, bytes }: BatchLimits,
): Generator<PushBatch, void, undefined> {
  let batch: PlannedTransaction[] = [];
  let count = 0;
  let length = 0;
  const close = (): PushBatch => {
    const closed = { transactions: batch, statements: batch.flatMap(({ statements }) => statements) };
    batch = [];
    count = 0;
    length = 0;
    return closed;
  };
  for (const transaction of transactions) {
    const added = lengthOf(transaction.statements);
    // What would go beyond what servers take starts a request of its own.
    if (batch.length > 0 && length + added > 2 * bytes) yield close();
    batch.push(transaction);
    count += transaction.statements.length;
    length += added;
    if (count >= operations || length >= bytes) yield close();
  }
  if (batch.length > 0) yield close();
}

function lengthOf(statements: readonly PlannedStatement[]): number {
  let length = 0;
  for (const { sql, args } of statements) {
    length += STATEMENT_BYTES + sql.length;
    for (const value of args) {
      if (typeof value === "string") length += value.length + 32;
      else if (value instanceof Uint8Array) length += Math.ceil(value.length * 1.34) + 32;
      else length += 40;
    }
  }
  return length;
}
