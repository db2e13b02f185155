import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { glob, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { firstExample } from "./first-example.ts";
import { importedEntries, type PackedEntry, type PackedManifest } from "./packed-package.ts";
import { runProgram } from "./run-program.ts";

// Packs every public package, installs the tarballs into an empty project as a user would, and there imports every
// entry, runs every command and the first examples of the READMEs on each version of Node that is supported. The examples
// get a database to connect to from the packed command line.

const NODE_VERSIONS = [22, 24, 26];
const PNPM = ["-y", "pnpm@12"];
const SAMPLE_TABLE = "sample_table";
const EXAMPLES = ["README.md", "packages/lacuna/README.md"];

const root = resolve(import.meta.dirname, "../..");
const work = await mkdtemp(join(tmpdir(), "lacuna-packed-"));
try {
  await check();
} finally {
  await rm(work, { recursive: true, force: true });
}

async function check(): Promise<void> {
  const packages = await publicPackages();
  await runProgram("npx", [...PNPM, "run", "build"], { cwd: root, timeoutMs: 300_000 });
  const tarballs = await pack(packages.map(({ folder }) => folder));
  const project = await install(tarballs);
  const entries = packages.flatMap(({ manifest }) => importedEntries(manifest));
  await checkFiles(project, packages);
  await writeFile(join(project, "import-all.mjs"), importAll(entries));
  for (const [index, readme] of EXAMPLES.entries()) {
    await writeFile(join(project, `example-${index}.ts`), await readExample(readme));
  }
  for (const version of NODE_VERSIONS) {
    const node = await nodeBinary(version);
    const found = (await runProgram(node, ["--version"], { cwd: project })).trim();
    await runProgram(node, ["import-all.mjs"], { cwd: project });
    for (const { manifest } of packages) await runCommands(node, project, manifest);
    await withServer(node, project, async (url) => {
      for (const index of EXAMPLES.keys()) {
        const output = await runProgram(node, [`example-${index}.ts`, url], { cwd: project });
        if (!output.includes(SAMPLE_TABLE)) throw new Error(`${EXAMPLES[index]}: no rows in\n${output}`);
      }
    });
    console.log(`Node ${found}: ${entries.length} entries, ${EXAMPLES.length} first examples`);
  }
}

interface PublicPackage {
  readonly folder: string;
  readonly manifest: PackedManifest;
}

async function publicPackages(): Promise<PublicPackage[]> {
  const found: PublicPackage[] = [];
  for await (const path of glob("packages/*/package.json", { cwd: root })) {
    const manifest: PackedManifest = JSON.parse(await readFile(join(root, path), "utf8"));
    if (manifest.private !== true) found.push({ folder: join(root, dirname(path)), manifest });
  }
  return found;
}

async function pack(folders: readonly string[]): Promise<string[]> {
  const destination = join(work, "tarballs");
  await mkdir(destination);
  for (const cwd of folders)
    await runProgram("npx", [...PNPM, "pack", "--pack-destination", destination], { cwd });
  const tarballs: string[] = [];
  for await (const name of glob("*.tgz", { cwd: destination })) tarballs.push(join(destination, name));
  if (tarballs.length === folders.length) return tarballs;
  throw new Error(`${folders.length} packages should give as many tarballs, found ${tarballs.length}`);
}

async function install(tarballs: readonly string[]): Promise<string> {
  const project = join(work, "project");
  await mkdir(project);
  await writeFile(join(project, "package.json"), JSON.stringify({ private: true, type: "module" }));
  await npmInstall(project, tarballs);
  return project;
}

async function npmInstall(cwd: string, specifiers: readonly string[]): Promise<void> {
  await runProgram("npm", ["install", "--no-audit", "--no-fund", ...specifiers], { cwd, timeoutMs: 300_000 });
}

/** Every file an entry promises has come along, types too, and nothing refers to the workspace any more. */
async function checkFiles(project: string, packages: readonly PublicPackage[]): Promise<void> {
  for (const { manifest } of packages) {
    const folder = join(project, "node_modules", manifest.name);
    for (const { specifier, files } of importedEntries(manifest)) {
      const missing = files.filter((file) => !existsSync(join(folder, file)));
      if (missing.length > 0)
        throw new Error(`${specifier} promises ${missing.join(", ")}, which was not packed`);
    }
    const installed = await readFile(join(folder, "package.json"), "utf8");
    if (installed.includes("workspace:"))
      throw new Error(`${manifest.name} was packed with workspace: dependencies`);
  }
}

function importAll(entries: readonly PackedEntry[]): string {
  return `for (const { specifier, script } of ${JSON.stringify(entries)}) {
  const names = Object.keys(await import(specifier));
  if (names.length === 0 && !script) throw new Error(specifier + " exports nothing");
}
`;
}

async function runCommands(node: string, project: string, { name, bin = {} }: PackedManifest): Promise<void> {
  for (const file of Object.values(bin)) {
    await runProgram(node, [join("node_modules", name, file), "--help"], { cwd: project });
  }
}

async function readExample(readme: string): Promise<string> {
  const example = firstExample(await readFile(join(root, readme), "utf8"));
  if (example === undefined) throw new Error(`${readme} has no example`);
  return example;
}

/** Serves a small database by the packed command while `work` runs. */
async function withServer(
  node: string,
  project: string,
  work: (url: string) => Promise<void>,
): Promise<void> {
  const file = join(project, "sample.db");
  if (!existsSync(file)) {
    const sample = new DatabaseSync(file);
    sample.exec(`CREATE TABLE ${SAMPLE_TABLE} (id INTEGER PRIMARY KEY, name TEXT)`);
    sample.close();
  }
  const command = join("node_modules", "@lacuna", "cli", "dist", "main.js");
  const server = spawn(node, [command, "serve", file, "--port", "0"], { cwd: project });
  try {
    await work(await firstUrl(server));
  } finally {
    server.kill();
  }
}

function firstUrl(server: ChildProcessWithoutNullStreams): Promise<string> {
  return new Promise((resolve, reject) => {
    let all = "";
    const look = (text: string): void => {
      all += text;
      const url = /http:\/\/\S+/.exec(all);
      if (url !== null && /\s/.test(all.slice(url.index))) resolve(url[0]);
    };
    server.stdout.setEncoding("utf8").on("data", look);
    server.stderr.setEncoding("utf8").on("data", look);
    server.on("error", reject);
    server.on("close", (code) =>
      reject(new Error(`the server ended with ${code} before it was ready:\n${all}`)),
    );
  });
}

/** A Node of that major version: this one, or the one that npm has for this machine. */
async function nodeBinary(major: number): Promise<string> {
  if (process.versions.node.startsWith(`${major}.`)) return process.execPath;
  const system = process.platform === "win32" ? "win" : process.platform;
  const name = `node-${system}-${process.arch}`;
  const folder = join(work, `node-${major}`);
  await mkdir(folder);
  await writeFile(join(folder, "package.json"), JSON.stringify({ private: true }));
  await npmInstall(folder, [`${name}@${major}`]);
  return join(folder, "node_modules", name, "bin", process.platform === "win32" ? "node.exe" : "node");
}
