import type { Bar, Bench, ResultTable } from "./bench.ts";
import { openBenchServer } from "./writes/bench-server.ts";
import { pullCost, pushCost } from "./writes/sync-costs.ts";
import { measureRates } from "./writes/write-rates.ts";
import { writeSystems } from "./writes/write-systems.ts";

const KIBIBYTE = 1024;
const PAGE_BYTES = 4096;
const PUSHED_ROWS = 10_000;

/** Rows written in a second, and what it costs to bring them to the remote and to bring its changes here. */
export const writesBench: Bench = {
  name: "writes",
  summary: "rows written per second beside others, and what a push and a pull cost",
  async run(say, options = {}) {
    const sizes = options.quick === true ? { single: 40, bulk: 1000 } : { single: 2000, bulk: 100_000 };
    const rates = await ratesTable(say, sizes);
    const { table, bars } = await costs(options.quick === true ? 1000 : 10_000);
    return { tables: [rates, table], bars };
  },
};

async function ratesTable(
  say: (line: string) => void,
  sizes: Parameters<typeof measureRates>[1],
): Promise<ResultTable> {
  const rows: (string | number)[][] = [];
  const server = await openBenchServer("");
  try {
    for (const system of writeSystems(server)) {
      try {
        const { inserts, updates, bulk, statement } = await measureRates(system, sizes);
        rows.push([system.name, inserts, updates, bulk, statement].map(whole));
      } catch (error) {
        say(`${system.name} did not run: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  } finally {
    await server.close();
  }
  const bulk = sizes.bulk.toLocaleString("en");
  const columns = ["system", "inserts", "updates", `${bulk} in one transaction`, `${bulk} in one statement`];
  return { title: "rows per second; inserts and updates are a transaction each", columns, rows };
}

const whole = (value: string | number): string | number =>
  typeof value === "number" ? Math.round(value) : value;

async function costs(pages: number): Promise<{ readonly table: ResultTable; readonly bars: Bar[] }> {
  const rows: (string | number)[][] = [];
  const bars: Bar[] = [];
  for (const transactions of [1, 100, PUSHED_ROWS]) {
    const what = `push of ${PUSHED_ROWS.toLocaleString("en")} rows, ${transactions.toLocaleString("en")} transactions`;
    const { requests, sentBytes, receivedBytes } = await pushCost(PUSHED_ROWS, transactions);
    rows.push([what, requests, sentBytes / KIBIBYTE, receivedBytes / KIBIBYTE]);
    bars.push({ what, found: requests, atMost: 3, unit: "requests" });
  }
  const pull = await pullCost(pages);
  const what = `pull of ${pull.changed} changed of ${pull.pages} pages, ${pull.held} held, ${pull.both} of them changed`;
  rows.push([what, pull.requests, pull.sentBytes / KIBIBYTE, pull.receivedBytes / KIBIBYTE]);
  const atMost = pull.both * PAGE_BYTES + 4 * KIBIBYTE;
  bars.push({
    what: "pull of changes to 1 % of the pages, holding 1 %",
    found: pull.receivedBytes,
    atMost,
    unit: "bytes",
  });
  const columns = ["what", "requests", "KiB sent", "KiB received"];
  return { table: { title: "what goes over the wire", columns, rows }, bars };
}
