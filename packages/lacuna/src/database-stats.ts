import type { SqlStats } from "@lacuna/sqlite";
import type { PageStats } from "./page-stats.ts";

/** What a database holds locally and what it has cost since it was opened. */
export interface DatabaseStats extends PageStats {
  /** Instances of SQLite, and how often they waited. */
  readonly sql: SqlStats;
}
