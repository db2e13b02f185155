import type { DatabaseHeader } from "@lacuna/btree";
import type { PageReport } from "./page-report.ts";
import type { SchemaReport } from "./schema-report.ts";
import type { CheckReport, PageRunReport, SpaceReport, TreeReport } from "./space-report.ts";

/** All that `lacuna inspect` tells, as `--json` writes it. What was not asked for is absent. */
export interface Report {
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
