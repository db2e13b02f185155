import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { parseArgs } from "node:util";
import { syncHandler } from "@lacuna/server";
import { openServedFile, serveNode } from "@lacuna/server/node";
import { firstExample } from "./first-example.ts";
import { jsrPackages, jsrText } from "./jsr/jsr-packages.ts";
import { serveRegistry } from "./jsr/registry.ts";
import { stage } from "./jsr/stage.ts";
import { runProgram } from "./run-program.ts";

/**
 * What JSR gets: each `jsr.json` says what package.json says, `deno publish` takes it all, slow types refused, and the first
 * examples run from a registry that serves it.
 *
 *     check-jsr            with the Deno that LACUNA_DENO names
 *     check-jsr --write    writes each jsr.json
 *     check-jsr --stage DIRECTORY    only makes the directory to call `deno publish` in
 */
const { write, stage: directory } = parseArgs({
  options: { write: { type: "boolean" }, stage: { type: "string" } },
}).values;
const EXAMPLES = ["README.md", "packages/lacuna/README.md"];
const root = resolve(import.meta.dirname, "../..");
const packages = await jsrPackages(root);
if (write === true) await writeAll();
else if (directory !== undefined) await stage(root, packages, resolve(directory));
else await check();

async function writeAll(): Promise<void> {
  for (const { folder, manifest } of packages)
    await writeFile(join(root, "packages", folder, "jsr.json"), jsrText(manifest));
}

async function check(): Promise<void> {
  const deno = process.env["LACUNA_DENO"];
  if (deno === undefined) throw new Error("LACUNA_DENO has to name a Deno");
  const work = await mkdtemp(join(tmpdir(), "lacuna-jsr-"));
  try {
    const staged = join(work, "staged");
    await stage(root, packages, staged);
    const options = ["publish", "--dry-run", "--allow-dirty", "--no-provenance"];
    await runProgram(deno, options, { cwd: staged, timeoutMs: 300_000 });
    console.log(`${packages.length} packages would be published`);
    await runExamples(deno, work);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** As a program of somebody else, with nothing installed: every module comes from the registry. */
async function runExamples(deno: string, work: string): Promise<void> {
  const program = join(work, "program");
  await mkdir(program);
  const lacuna = packages.find(({ folder }) => folder === "lacuna")?.manifest;
  if (lacuna === undefined) throw new Error("lacuna is not among the packages");
  const imports = { lacuna: `jsr:${lacuna.name}@^${lacuna.version}` };
  await writeFile(join(program, "deno.json"), JSON.stringify({ imports }));
  const file = join(program, "sample.db");
  const sample = new DatabaseSync(file);
  sample.exec("CREATE TABLE sample_table(id INTEGER PRIMARY KEY, name TEXT)");
  sample.close();
  const database = await openServedFile(file);
  const server = await serveNode({ handler: syncHandler({ database }), port: 0 });
  const registry = await serveRegistry(join(work, "staged"), packages);
  const env = { JSR_URL: registry.url, DENO_DIR: join(work, "cache"), DENO_NO_UPDATE_CHECK: "1" };
  try {
    for (const [index, readme] of EXAMPLES.entries()) {
      const example = firstExample(await readFile(join(root, readme), "utf8"));
      if (example === undefined) throw new Error(`${readme} has no example`);
      await writeFile(join(program, `example-${index}.ts`), example);
      const output = await runProgram(deno, ["run", "--allow-all", `example-${index}.ts`, server.url], {
        cwd: program,
        env,
      });
      if (!output.includes("sample_table")) throw new Error(`${readme}: no rows in\n${output}`);
    }
  } finally {
    registry.close();
    await server.close();
    await database.close();
  }
  console.log(`${EXAMPLES.length} first examples run from a registry`);
}
