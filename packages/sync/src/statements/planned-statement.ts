import type { SqlValue } from "@lacuna/page";
import type { Change } from "../changes/change.ts";

/** A statement that repeats a change, at the remote or here over what the remote has. */
export interface PlannedStatement {
  readonly sql: string;
  /** Positional arguments. */
  readonly args: readonly SqlValue[];
  /** Runs only if this query can be compiled, or only if it cannot: then what it would do is done already. */
  readonly only?: { readonly probe: string; readonly when: "ok" | "error" } | undefined;
  /** What it repeats. */
  readonly change: Change;
}
