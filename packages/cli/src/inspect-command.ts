import { fileURLToPath } from "node:url";
import { type DatabaseHeader, parseDatabaseHeader, runTask, treeFormat } from "@lacuna/btree";
import { type CheckResult, CheckTask } from "@lacuna/btree/check";
import { LacunaError, type PageNo, pagesOf } from "@lacuna/page";
import { hasHotJournal } from "@lacuna/transport/file";
import { open, type PrefetchSnapshot, type Reader } from "lacuna/reader";
import type { CommandContext } from "./command-context.ts";
import { formatCount } from "./format/quantity.ts";
import { pageReport } from "./inspect/page-report.ts";
import type { Report } from "./inspect/report.ts";
import { reportText } from "./inspect/report-text.ts";
import { schemaReport } from "./inspect/schema-report.ts";
import { checkReport, pageRuns, spaceReport, treeNames, treeReport } from "./inspect/space-report.ts";
import { type InspectPlan, readInspectPlan } from "./inspect-options.ts";
import { LiveLine, liveText } from "./live-line.ts";
import type { RemoteArguments } from "./remote-arguments.ts";
import { type Reached, servedInProcess } from "./served-in-process.ts";

/** Bytes of the database asked for at once when all of it is wanted. */
const CHUNK_BYTES = 4 << 20;

/**
 * `lacuna inspect`: tells what a database file is made of.
 * @throws {UsageError} for a wrong command line, `CORRUPT_PAGE` if `--check` found something, what the database reported,
 *   `BrokenPipeError`, or the abort reason
 */
export async function inspectCommand(args: readonly string[], context: CommandContext): Promise<void> {
  const plan = readInspectPlan(args, context);
  let reached: Reached<RemoteArguments> | undefined;
  let db: Reader | undefined;
  const live = new LiveLine(context.stderr, {
    text: async () => {
      if (db === undefined) return "opening the database";
      const { networkReceivedBytes: receivedBytes, ...counts } = db.stats();
      return liveText({ ...counts, receivedBytes });
    },
  });
  try {
    reached = await servedInProcess(plan.remote);
    const { url, ...options } = reached.remote;
    db = await open(url, options);
    const journal = await hotJournalOf(url);
    const report = { ...journal, ...(await inspect(db, plan, context.signal)) };
    await live.stop();
    const { stdout } = context;
    const text = plan.json
      ? `${JSON.stringify(report, null, 2)}\n`
      : reportText(report, stdout.isTTY ? stdout.columns : undefined);
    await stdout.write(text);
    const findings = report.check?.findings.length ?? 0;
    if (findings > 0) {
      throw new LacunaError("CORRUPT_PAGE", `the database is damaged: ${formatCount(findings, "finding")}`);
    }
  } finally {
    await live.stop().catch(() => {});
    try {
      await db?.close();
    } finally {
      await reached?.close();
    }
  }
}

/** Looked for once the database is open: it is there already when pages are read by it. */
async function hotJournalOf(url: string): Promise<Pick<Report, "hotJournal">> {
  if (!url.startsWith("file:")) return {};
  const path = fileURLToPath(url);
  return (await hasHotJournal(path)) ? { hotJournal: `${path}-journal` } : {};
}

async function inspect(db: Reader, plan: InspectPlan, signal: AbortSignal): Promise<Report> {
  const { trees, pages, check } = plan;
  const snapshot = await db.snapshot({ signal });
  try {
    const header = await readHeader(snapshot, signal);
    // What is asked for by name is told alone. A schema that cannot be read is a finding where those are looked for.
    const isNarrow = pages !== undefined || check;
    const start: Report = isNarrow
      ? {}
      : { header: header ?? null, schema: schemaReport(await db.schema({ signal })) };
    if (header === undefined) return check ? { check: { findings: [], truncated: false } } : start;
    if (!isNarrow && !trees) {
      const { pageCount, residentPages, pageSize } = db.stats();
      return { ...start, notRead: (pageCount - residentPages) * pageSize };
    }
    await fetchAll(snapshot, signal);
    const result = await runTask(new CheckTask(header, snapshot.pageCount), snapshot, { signal });
    return { ...start, ...(await reportOf(result, header, snapshot, plan, signal)) };
  } finally {
    snapshot.release();
  }
}

async function readHeader(
  snapshot: PrefetchSnapshot,
  signal: AbortSignal,
): Promise<DatabaseHeader | undefined> {
  if (snapshot.pageCount === 0) return undefined;
  const first = 1 as PageNo;
  return parseDatabaseHeader(snapshot.peek(first) ?? (await snapshot.read(first, { signal })));
}

/** Brings every page, piece by piece. What fails to come will be asked for again, and then tells why. */
async function fetchAll(snapshot: PrefetchSnapshot, signal: AbortSignal): Promise<void> {
  const step = Math.max(1, Math.floor(CHUNK_BYTES / snapshot.pageSize));
  for (let first = 1; first <= snapshot.pageCount; first += step) {
    const last = Math.min(snapshot.pageCount, first + step - 1);
    signal.throwIfAborted();
    await snapshot.prefetch([...pagesOf([{ first: first as PageNo, last: last as PageNo }])], { signal });
  }
}

async function reportOf(
  result: CheckResult,
  header: DatabaseHeader,
  snapshot: PrefetchSnapshot,
  { trees, pages, check }: InspectPlan,
  signal: AbortSignal,
): Promise<Report> {
  const nameOf = treeNames(result);
  if (typeof pages === "number" && pages > snapshot.pageCount) {
    throw new RangeError(
      `there is no page ${pages}: the database has ${formatCount(snapshot.pageCount, "page")}`,
    );
  }
  const format = treeFormat(header, snapshot.pageCount);
  return {
    ...(trees && {
      trees: result.trees.map((tree) => treeReport(tree, header.usableSize)),
      space: spaceReport(result, snapshot.pageSize),
    }),
    ...(pages === "all" && { pages: pageRuns(result, nameOf) }),
    ...(typeof pages === "number" && {
      page: await pageReport(pages, snapshot, format, result, nameOf, signal),
    }),
    ...(check && { check: checkReport(result, nameOf) }),
  };
}
