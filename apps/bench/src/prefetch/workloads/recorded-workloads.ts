import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { BenchDatabaseName } from "../databases/bench-databases.ts";
import type { Statement, Workload } from "./workload.ts";

/** What of a recording is replayed: every so many-th of its sessions, so many, each on a replica that is kept. */
const SESSIONS = 6;
const MOST_STATEMENTS = 250;

interface RecordedLine {
  readonly session?: number;
  readonly sql?: string | null;
  readonly expect?: { readonly error?: string };
  readonly lookups?: readonly (readonly [string, ...unknown[]])[];
  readonly query?: string;
}

/** Statements that other programs ran on these databases, where recordings of them are at hand. */
export function recordedWorkloads(directory: string | undefined): Workload[] {
  if (directory === undefined) return [];
  return [
    ...replay(directory, "traces/proj.trace.jsonl.gz", "catalog", "recorded-catalog", "recorded: projinfo"),
    ...replay(directory, "traces/world_map.trace.jsonl.gz", "map", "recorded-map", "recorded: map viewer"),
    ...replay(
      directory,
      "workloads/wordnet-alice.jsonl.gz",
      "dictionary",
      "recorded-words",
      "recorded: reading Alice",
    ),
  ];
}

function replay(
  directory: string,
  file: string,
  database: BenchDatabaseName,
  id: string,
  name: string,
): Workload[] {
  const path = join(directory, file);
  if (!existsSync(path)) return [];
  const lines = gunzipSync(readFileSync(path))
    .toString()
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as RecordedLine);
  const query = lines[0]?.query ?? "";
  const sessions = new Map<number, Statement[]>();
  for (const line of lines.slice(1)) {
    const session = sessions.get(line.session ?? 0) ?? [];
    sessions.set(line.session ?? 0, session);
    for (const [word] of line.lookups ?? []) session.push({ sql: query, parameters: [word] });
    if (typeof line.sql === "string" && line.expect !== undefined && line.expect.error === undefined) {
      session.push({ sql: line.sql });
    }
  }
  const all = [...sessions.values()].filter((session) => session.length > 0);
  const step = Math.max(1, Math.floor(all.length / SESSIONS));
  const statements = all.filter((_, index) => index % step === 0).slice(0, SESSIONS);
  return [{ id, name, database, statements: statements.flat().slice(0, MOST_STATEMENTS) }];
}
