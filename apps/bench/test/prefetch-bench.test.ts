import { beforeAll, describe, expect, it } from "vitest";
import { AnswerCheck } from "../src/prefetch/answer-check.ts";
import { prepareDatabases } from "../src/prefetch/databases/bench-databases.ts";
import { measureAll } from "../src/prefetch/prefetch-bench.ts";
import { htmlReport } from "../src/prefetch/report/html-report.ts";
import { betweenMarks, readmeTable } from "../src/prefetch/report/readme-tables.ts";
import { DEFAULT_SYSTEM, type Report, ReportIndex } from "../src/prefetch/report/report.ts";
import { reportTables } from "../src/prefetch/report/tables.ts";

/** The short run takes 20 seconds on a machine that has nothing else to do. */
const PATIENCE = 600_000;

describe("the short run of the bench", () => {
  let report: Report;
  beforeAll(async () => {
    report = await measureAll(() => {}, { quick: true });
  }, PATIENCE);

  it("measures every workload with every system that can run it", () => {
    const { workloads, systems, results, failures } = report;
    expect(workloads.length).toBeGreaterThan(7);
    for (const { id: workload, bound } of workloads) {
      if (bound === undefined || bound.pages === 0) continue;
      for (const { id: system } of systems) {
        const of = (one: { workload: string; system: string }): boolean =>
          one.workload === workload && one.system === system;
        expect([workload, system, results.filter(of).length + failures.filter(of).length]).toEqual([
          workload,
          system,
          1,
        ]);
      }
    }
  });

  // Partial replicas of one of them need Linux.
  it.runIf(process.platform === "linux")(
    "finds that only full-text search is beyond one of the others",
    () => {
      expect(report.failures.filter(({ workload }) => workload !== "search")).toEqual([]);
      expect(report.failures.map(({ system }) => system).filter((id) => !id.startsWith("turso"))).toEqual([]);
    },
  );

  it("holds ours against a bound, and asks for nothing twice", () => {
    const index = new ReportIndex(report);
    const [point] = report.workloads.filter(({ id }) => id === "point");
    expect(point?.bound).toMatchObject({ levels: 2, pages: 2 });
    expect(index.cost("point", DEFAULT_SYSTEM)?.receivedBytes).toBeGreaterThan(8192);
    expect(index.cost("repeated", DEFAULT_SYSTEM)).toMatchObject({ requests: 0, receivedBytes: 0 });
    expect(index.cost("range", "lacuna-compressed")?.receivedBytes).toBeLessThan(
      (index.cost("range", DEFAULT_SYSTEM)?.receivedBytes ?? 0) / 2,
    );
  });

  it("makes a page, tables and a Markdown table of it", () => {
    const page = htmlReport(report);
    expect(page.match(/<svg class="wide" /g)?.length).toBe(5);
    expect(page).not.toMatch(/NaN|undefined|Infinity/);
    expect(reportTables(report).length).toBeGreaterThan(4);
    for (const { columns, rows } of reportTables(report)) {
      for (const row of rows) expect(row.length).toBe(columns.length);
    }
    const lines = readmeTable(report).split("\n");
    expect(new Set(lines.map((line) => line.length)).size).toBe(1);
    expect(lines.length).toBeGreaterThan(7);
  });
});

it("an answer that is not SQLite's is told", () => {
  const { databases } = prepareDatabases(true, undefined, () => {});
  const check = new AnswerCheck(databases[0]?.path ?? "");
  const statement = { sql: "SELECT id, name FROM users WHERE id < ?", parameters: [3] };
  const rows = check.rows(statement);
  check.same(statement, [...rows].reverse());
  expect(() => check.same(statement, rows.slice(1))).toThrow("other rows than SQLite (1 rows");
  check.close();
});

it("only what is between the marks of a README is replaced", () => {
  const marks = ["<!-- bench prefetch: begin -->", "<!-- bench prefetch: end -->"];
  const text = `# Title\n\n${marks.join("\nold\n")}\n\nrest\n`;
  expect(betweenMarks(text, "new")).toBe(`# Title\n\n${marks.join("\n\nnew\n\n")}\n\nrest\n`);
  expect(betweenMarks("nothing", "new")).toBe("nothing");
});
