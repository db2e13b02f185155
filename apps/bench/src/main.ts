import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import type { Bench, BenchOptions, BenchResult } from "./bench.ts";
import { barHolds, barText, tableText } from "./result-text.ts";

/** The benches by name. Each is loaded when it runs, so that one does not weigh on another. */
const BENCHES: Readonly<Record<string, () => Promise<Bench>>> = {
  network: async () => (await import("./network-bench.ts")).networkBench,
  prefetch: async () => (await import("./prefetch/prefetch-bench.ts")).prefetchBench,
  reader: async () => (await import("./reader-bench.ts")).readerBench,
  memory: async () => (await import("./memory-bench.ts")).memoryBench,
  serve: async () => (await import("./serve-bench.ts")).serveBench,
  writes: async () => (await import("./writes-bench.ts")).writesBench,
  "btree-scan": async () => (await import("./btree-scan.ts")).btreeScanBench,
  "warm-scan": async () => (await import("./warm-scan.ts")).warmScanBench,
};

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: {
      json: { type: "string" },
      quick: { type: "boolean" },
      data: { type: "string", default: process.env["LACUNA_BENCH_DATA"] ?? "" },
      "write-readme": { type: "boolean" },
    },
    allowPositionals: true,
  });
  const unknown = positionals.filter((name) => !Object.hasOwn(BENCHES, name));
  if (unknown.length > 0) {
    process.stderr.write(
      `no bench '${unknown.join("', '")}'; there are ${Object.keys(BENCHES).join(", ")}\n`,
    );
    return 2;
  }
  const options: BenchOptions = {
    quick: values.quick,
    dataDirectory: values.data === "" ? undefined : resolve(process.env["INIT_CWD"] ?? ".", values.data),
    writeReadme: values["write-readme"],
  };
  const results: Record<string, BenchResult> = {};
  let missed = 0;
  for (const [name, load] of Object.entries(BENCHES)) {
    if (positionals.length > 0 && !positionals.includes(name)) continue;
    const bench = await load();
    say(`\n${bench.name}: ${bench.summary}`);
    const result = await bench.run(say, options);
    results[name] = result;
    for (const table of result.tables) say(`\n${tableText(table)}`);
    for (const bar of result.bars ?? []) {
      if (!barHolds(bar) && result.advisory !== true) missed++;
      say(barText(bar));
    }
  }
  if (values.json !== undefined) {
    const report = { node: process.version, platform: `${process.platform} ${process.arch}`, results };
    await writeFile(values.json, `${JSON.stringify(report, null, 2)}\n`);
  }
  return missed > 0 ? 1 : 0;
}

// Whoever stops it lets it clear up: what it started ends with it.
process.once("SIGINT", () => process.exit(130));
process.once("SIGTERM", () => process.exit(143));

// Not by its own: clients of others that were given up may keep the process running.
process.exit(await main());
