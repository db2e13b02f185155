import {
  type BatchOptions,
  type BatchStatement,
  type Column,
  kindOfStatement,
  type QueryBudget,
  type RowShape,
  type TransactionMode,
} from "@lacuna/sqlite";
import type { ChangeId, HydrationTarget } from "@lacuna/sync";

/** What an execution of SQL runs under, besides a signal, which is told apart. */
export interface Setting {
  readonly safeIntegers: boolean;
  readonly budget?: QueryBudget | undefined;
  /** The transaction it belongs to, as `begin` answered. */
  readonly transaction?: string | undefined;
}

interface Execution extends Setting {
  readonly sql: string;
  readonly parameters: readonly unknown[];
}

/** A call that a tab asks the one that owns the database to make. Everything in it can be cloned. */
export type Question =
  | (Execution & { readonly call: "run" })
  | (Execution & { readonly call: "get" | "all"; readonly as: RowShape["as"] })
  | (Execution & { readonly call: "isResident" | "estimate" })
  /** `rows` answers with the first ones and a name for all of them, to be given to `more` and `enough`. */
  | (Execution & { readonly call: "rows"; readonly as: RowShape["as"]; readonly count: number })
  | { readonly call: "more"; readonly rows: string; readonly count: number }
  | { readonly call: "enough"; readonly rows: string }
  | (Setting & { readonly call: "prepare" | "exec"; readonly sql: string })
  | (Setting & {
      readonly call: "batch";
      readonly statements: readonly BatchStatement[];
      readonly options: TransactionMode | BatchOptions | undefined;
    })
  /** Answers with a name for the transaction. */
  | { readonly call: "begin"; readonly mode: TransactionMode }
  | { readonly call: "end"; readonly transaction: string; readonly commit: boolean }
  | { readonly call: "hydrate"; readonly target: HydrationTarget }
  | { readonly call: "pull"; readonly longPollMs: number | undefined }
  | { readonly call: "discard"; readonly change: ChangeId }
  | { readonly call: "push" | "checkpoint" | "pending" | "stats" };

/** A statement of SQL as `prepare` answers it. */
export interface PreparedFacts {
  readonly reader: boolean;
  readonly columns: readonly Column[];
}

/** Rows as `rows` and `more` answer them. */
export interface SomeRows {
  readonly id: string;
  readonly rows: readonly unknown[];
  readonly done: boolean;
}

/**
 * Whether the call may be made a second time when nobody knows whether it was made: it only reads, or what it does is the same
 * however often it is done. What belongs to a transaction, or to rows that were begun, ended with the tab that had them.
 */
export function isRepeatable(question: Question): boolean {
  if ("transaction" in question && question.transaction !== undefined) return false;
  switch (question.call) {
    case "run":
    case "get":
    case "all":
    case "rows":
      return kindOfStatement(question.sql) === "read";
    case "exec":
    case "batch":
    case "more":
    case "enough":
    case "discard":
      return false;
    default:
      return true;
  }
}
