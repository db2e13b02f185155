import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { syncHandler } from "@lacuna/server";
import { openServedFile, openServedSql, serveNode } from "@lacuna/server/node";
import { publishDirectory } from "@lacuna/server/node/publish";
import type { Report } from "./anywhere/vitest.ts";
import { bundle } from "./bundle.ts";
import { runChromium } from "./runtimes/chromium.ts";
import { runIsolate } from "./runtimes/isolate.ts";
import { runProgram } from "./runtimes/program.ts";
import { makeSample } from "./sample.ts";
import { serveSite } from "./site.ts";
import type { Surroundings } from "./suites/surroundings.ts";

/**
 * The same tests on every runtime: `runtimes [NAME=COMMAND...]`. Without names, those that are found. A runtime that was
 * named and does not run, or a test that fails, ends with exit code 1.
 */
const named = process.argv.slice(2).map((each) => each.split("=", 2) as [string, string | undefined]);
const wanted =
  named.length === 0
    ? found()
    : new Map(named.map(([name, command]) => [name, command ?? (name === "node" ? process.execPath : name)]));

// Beside the packages, so that bundles find SQLite's WebAssembly as programs do.
const bundles = fileURLToPath(new URL("../dist/", import.meta.url));
mkdirSync(bundles, { recursive: true });
const scratch = mkdtempSync(join(tmpdir(), "lacuna-runtimes-"));
const sample = join(scratch, "sample.db");
makeSample(sample);
const database = await openServedFile(sample, { history: true });
const sql = openServedSql(sample, { onWrite: () => database.newest() });
const server = await serveNode({ handler: syncHandler({ database, sql }), port: 0 });
const published = join(scratch, "published");
const view = await database.open();
await publishDirectory(view, published, { segmentBytes: 65_536 });
await view.close();
const site = await serveSite(bundles, published);

const results: { runtime: string; report: Report | undefined; error?: unknown }[] = [];
const surroundings = (runtime: string): Surroundings => {
  const base = {
    runtime,
    server: server.url,
    host: server.url,
    published: `${site.url}/published/manifest.lacuna`,
    damaged: `${site.url}/damaged/manifest.lacuna`,
  };
  if (runtime === "isolate") return base;
  if (runtime.startsWith("chromium")) return { ...base, wasm: `${site.url}/sqlite3.wasm` };
  const directory = join(scratch, runtime.replaceAll(" ", "-"));
  mkdirSync(directory);
  return { ...base, directory };
};

for (const [runtime, command] of wanted) {
  try {
    if (runtime === "chromium") {
      await bundle("in-browser", join(bundles, "in-browser.js"), ["browser"], "browser");
      await bundle("file-worker", join(bundles, "file-worker.js"), ["browser"], "browser");
      const { page, worker } = await runChromium(`${site.url}/`, surroundings);
      results.push(
        { runtime: "chromium, page", report: page },
        { runtime: "chromium, worker", report: worker },
      );
      continue;
    }
    const file = join(bundles, `${runtime.replaceAll(" ", "-")}.js`);
    if (runtime === "isolate") {
      await bundle("in-isolate", file, ["workerd", "worker"], "browser");
      results.push({ runtime, report: await runIsolate(file, surroundings(runtime)) });
      continue;
    }
    await bundle("with-files", file, [runtime.startsWith("node") ? "node" : runtime, "node"], "neutral");
    const flags = runtime === "deno" ? ["run", "--allow-all", file] : [file];
    results.push({ runtime, report: await runProgram(command, flags, surroundings(runtime)) });
  } catch (error) {
    results.push({ runtime, report: undefined, error });
  }
}

site.close();
await server.close();
await sql.close();
await database.close();
rmSync(scratch, { recursive: true, force: true });

let good = results.length > 0;
for (const { runtime, report, error } of results) {
  if (report === undefined) console.log(`${runtime}: did not run: ${String(error)}`);
  else {
    console.log(`${runtime}: ${report.passed} passed, ${report.failures.length} failed`);
    for (const { name, message } of report.failures)
      console.log(`  ${name}\n    ${message.replaceAll("\n", "\n    ")}`);
  }
  good &&= report !== undefined && report.failures.length === 0 && report.passed > 0;
}
process.exitCode = good ? 0 : 1;

/** Node is this one; the others by the environment: LACUNA_DENO, LACUNA_BUN, LACUNA_CHROMIUM. */
function found(): Map<string, string> {
  const runtimes = new Map([
    ["node", process.execPath],
    ["isolate", "workerd"],
  ]);
  for (const name of ["deno", "bun"]) {
    const command = process.env[`LACUNA_${name.toUpperCase()}`];
    if (command !== undefined) runtimes.set(name, command);
    else console.log(`${name}: skipped, LACUNA_${name.toUpperCase()} does not name it`);
  }
  const chromium = process.env["LACUNA_CHROMIUM"] ?? "/usr/bin/chromium";
  if (existsSync(chromium)) runtimes.set("chromium", chromium);
  else console.log(`chromium: skipped, there is no ${chromium}`);
  return runtimes;
}
