import type { DatabaseHeader } from "@lacuna/btree";
import type { PageReport } from "./page-report.ts";
import type { SchemaReport } from "./schema-report.ts";
import type { CheckReport, PageRunReport, SpaceReport, TreeReport } from "./space-report.ts";

/** All that `lacuna inspect` tells, as `--json` writes it. What was not asked for is absent. */
export interface Report {
  /**
   * The journal that a crashed or running writer left beside a local file. What is told is how the database was before the
   * transaction; the file itself still holds half of it.
   */
  readonly hotJournal?: string;
  /** `null` for a database of no pages. */
  readonly header?: DatabaseHeader | null;
  readonly schema?: SchemaReport;
  readonly trees?: readonly TreeReport[];
  readonly space?: SpaceReport;
  readonly pages?: readonly PageRunReport[];
  readonly page?: PageReport;
  readonly check?: CheckReport;
  /** Bytes that would have to come for the rest. */
  readonly notRead?: number;
}
