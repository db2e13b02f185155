import type { BenchDatabaseName } from "../databases/bench-databases.ts";

/** A statement as any client can run it. */
export interface Statement {
  readonly sql: string;
  readonly parameters?: readonly (string | number)[] | undefined;
}

/** Statements on a database that was just opened, one after the other. */
export interface Workload {
  /** Short and unique, for programs. */
  readonly id: string;
  /** For people. */
  readonly name: string;
  readonly database: BenchDatabaseName;
  /** Run before the measurement begins. */
  readonly before?: readonly Statement[] | undefined;
  readonly statements: readonly Statement[];
  /**
   * All are issued at the same moment instead of in turn.
   * @default false
   */
  readonly atOnce?: boolean | undefined;
  /**
   * Part of the short run that tests make.
   * @default false
   */
  readonly quick?: boolean | undefined;
}

/** What every client does when it has opened a database: it reads the schema. Part of opening. */
export const OPENING: Statement = { sql: "SELECT count(*) FROM sqlite_schema" };
