import { type ConnectOptions, connect, type Database } from "lacuna";
import type { CommandContext } from "./command-context.ts";
import { formatBytes, formatCount, formatPercent } from "./format/quantity.ts";
import type { CellValue } from "./format/row-format.ts";
import { type LiveCounts, LiveLine, liveText } from "./live-line.ts";
import { type QueryPlan, readQueryPlan } from "./query-options.ts";
import { type Reached, servedInProcess } from "./served-in-process.ts";
import { TextBatch } from "./text-batch.ts";

/**
 * `lacuna query`: runs SQL on a database and writes the rows.
 * @throws {UsageError} for a wrong command line, what the database reported, `BrokenPipeError`, or the abort reason
 */
export async function queryCommand(args: readonly string[], context: CommandContext): Promise<void> {
  const plan = await readQueryPlan(args, context);
  const started = performance.now();
  let reached: Reached<ConnectOptions> | undefined;
  let db: Database | undefined;
  const live = new LiveLine(context.stderr, {
    text: async () => (db === undefined ? "opening the database" : liveText(await countsOf(db))),
  });
  const output = new TextBatch(context.stdout, () => live.clear());
  try {
    reached = await servedInProcess(plan.connect);
    db = await connect(reached.remote);
    const rows = await writeResults(db, plan, output, context.signal);
    await output.flush();
    await live.stop();
    if (plan.showStats) {
      const counts = await countsOf(db);
      await context.stderr.write(`${statistics(rows, counts, performance.now() - started)}\n`);
    }
  } finally {
    // Rows that came before a failure are worth having; a failure to write them must not hide the other.
    await output.flush().catch(() => {});
    await live.stop().catch(() => {});
    try {
      await db?.close();
    } finally {
      await reached?.close();
    }
  }
}

/** Runs the statements one after the other. @returns how many rows there were */
async function writeResults(
  db: Database,
  plan: QueryPlan,
  output: TextBatch,
  signal: AbortSignal,
): Promise<number> {
  let results = 0;
  let rows = 0;
  for (const { sql, parameters } of plan.statements) {
    const statement = (await db.prepare(sql, { signal })).with({ signal }).raw().safeIntegers();
    if (statement.reader) {
      const format = plan.format();
      const columns = statement.columns().map(({ name }) => name);
      await output.add((results++ === 0 ? "" : plan.separator) + format.begin(columns));
      for await (const row of statement.iterate<CellValue[]>(...parameters)) {
        rows++;
        await output.add(format.row(row));
      }
      await output.add(format.end());
    } else await statement.run(...parameters);
    statement.close();
  }
  return rows;
}

interface Counts extends LiveCounts {
  readonly pageSize: number;
}

async function countsOf(db: Database): Promise<Counts> {
  const { requests, residentPages, pageCount, pageSize, networkReceivedBytes } = await db.stats();
  return { requests, residentPages, pageCount, pageSize, receivedBytes: networkReceivedBytes };
}

function statistics(rows: number, counts: Counts, milliseconds: number): string {
  const { requests, residentPages, pageCount, pageSize, receivedBytes } = counts;
  const fileBytes = pageCount * pageSize;
  return [
    formatCount(rows, "row"),
    formatCount(requests, "request"),
    `${residentPages} of ${formatCount(pageCount, "page")}`,
    `${formatBytes(receivedBytes)} (${formatPercent(receivedBytes, fileBytes)} of ${formatBytes(fileBytes)})`,
    `${Math.round(milliseconds)} ms`,
  ].join(", ");
}
