/**
 * Compares `lacuna inspect --check` with `PRAGMA integrity_check` of SQLite over a data directory: nothing may be found
 * in a sound database, and something must be found in each damaged one where SQLite finds something.
 *
 *     node --conditions=lacuna-source tools/src/check-inspect.ts DIRECTORY
 *
 * The directory holds `manifest.jsonl` and `corrupt/` with its outcomes.
 */
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { gunzipSync } from "node:zlib";
import { type Output, runCli } from "@lacuna/cli";
import { open } from "lacuna/reader";
import { jsonLines } from "./json-lines.ts";

/** What a checker says: `ok`, what it found first, or why it could not look. */
type Verdict =
  | { readonly sound: true }
  | { readonly sound: false; readonly what: string; readonly refused: boolean };

const counts = new Map<string, number>();
const differences: string[] = [];
const scratch = mkdtempSync(join(tmpdir(), "lacuna-check-inspect-"));

const count = (what: string): void => void counts.set(what, (counts.get(what) ?? 0) + 1);

/** An output that keeps what is written. */
class Collected implements Output {
  readonly isTTY = false;
  text = "";

  async write(text: string): Promise<void> {
    this.text += text;
  }
}

async function ours(file: string): Promise<Verdict> {
  const [out, err] = [new Collected(), new Collected()];
  const code = await runCli(["inspect", "--check", "--json", file], {
    stdout: out,
    stderr: err,
    env: {},
    signal: new AbortController().signal,
  });
  if (code === 0) return { sound: true };
  if (out.text === "") return { sound: false, what: err.text.trim(), refused: true };
  const { check } = JSON.parse(out.text) as {
    check: { findings: { page: number; offset: number; message: string }[] };
  };
  const [first] = check.findings;
  return {
    sound: false,
    what: `page ${first?.page} at ${first?.offset}: ${first?.message}`,
    refused: false,
  };
}

/** A journal is rolled back in a copy; without one nothing may be written at all. */
function openAsSqlite(file: string): DatabaseSync {
  if (!existsSync(`${file}-journal`)) {
    return new DatabaseSync(new URL(`${pathToFileURL(file).href}?immutable=1`), { readOnly: true });
  }
  const copy = join(scratch, "copy.db");
  for (const suffix of ["", "-journal"]) copyFileSync(file + suffix, copy + suffix);
  return new DatabaseSync(copy);
}

function theirs(file: string): Verdict {
  let db: DatabaseSync | undefined;
  try {
    db = openAsSqlite(file);
    const lines = db
      .prepare("PRAGMA integrity_check")
      .all()
      .map((row) => String(row["integrity_check"]));
    return lines[0] === "ok" ? { sound: true } : { sound: false, what: lines[0] ?? "", refused: false };
  } catch (error) {
    return { sound: false, what: (error as Error).message, refused: true };
  } finally {
    db?.close();
  }
}

const say = (verdict: Verdict): string =>
  verdict.sound ? "ok" : `${verdict.refused ? "refused" : "found"}: ${verdict.what.replaceAll("\n", " ")}`;

const MISSED = "only SQLite finds something";
const INVENTED = "only inspect finds something";

function differenceOf(mine: Verdict): string {
  if (mine.sound) return MISSED;
  return /NOT_SUPPORTED/.test(mine.what) ? "inspect refuses, with a log or journal" : INVENTED;
}

async function compare(group: string, name: string, file: string): Promise<void> {
  const started = performance.now();
  const mine = await ours(file);
  const took = performance.now() - started;
  const authority = theirs(file);
  count(`${group}: compared`);
  if (took > 5_000) differences.push(`${group} ${name}: took ${Math.round(took)} ms`);
  if (mine.sound === authority.sound) {
    count(`${group}: ${mine.sound ? "both say ok" : "both find something"}`);
    return;
  }
  count(`${group}: ${differenceOf(mine)}`);
  differences.push(`${group} ${name}\n    inspect ${say(mine)}\n    SQLite  ${say(authority)}`);
}

async function checkFiles(directory: string): Promise<void> {
  for (const { path, page_size: pageSize } of jsonLines(
    readFileSync(join(directory, "manifest.jsonl"), "utf8"),
  )) {
    if (typeof path !== "string" || pageSize === undefined || path.endsWith(".gz")) continue;
    if (path.includes("-fuzz/")) continue;
    await compare("files", path, join(directory, path));
  }
}

async function checkImages(directory: string): Promise<void> {
  const corrupt = join(directory, "corrupt");
  const all = join(scratch, "fuzzdata3.db");
  writeFileSync(all, gunzipSync(readFileSync(join(corrupt, "fuzzdata3.db.gz"))));
  const images = await open(pathToFileURL(all).href);
  const file = join(scratch, "image.db");
  for await (const row of images.table("db").scan({ columns: ["dbid", "dbcontent"] })) {
    writeFileSync(file, row["dbcontent"] as Uint8Array);
    await compare("fuzzdata3", String(row["dbid"]), file);
  }
  await images.close();
  for (const { id } of jsonLines(readFileSync(join(corrupt, "sqlittle-fuzz.outcomes.jsonl"), "utf8"))) {
    if (typeof id !== "string") continue;
    writeFileSync(file, readFileSync(join(corrupt, "sqlittle-fuzz", id)));
    await compare("sqlittle-fuzz", id, file);
  }
}

async function main(directory: string | undefined): Promise<void> {
  if (directory === undefined || !existsSync(join(directory, "manifest.jsonl"))) {
    process.stderr.write("usage: check-inspect.ts DIRECTORY\n");
    process.exitCode = 2;
    return;
  }
  try {
    await checkFiles(directory);
    await checkImages(directory);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  for (const difference of differences) process.stdout.write(`${difference}\n`);
  for (const [what, times] of counts) process.stdout.write(`${String(times).padStart(9)}  ${what}\n`);
  // What inspect finds beyond SQLite in damaged images is no fault; to miss something is.
  const missed = [...counts].some(([what]) => what.endsWith(MISSED));
  const invented = counts.has(`files: ${INVENTED}`);
  process.exitCode = missed || invented ? 1 : 0;
}

await main(process.argv[2]);
