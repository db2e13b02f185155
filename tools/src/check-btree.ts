/**
 * Reads every database of a data directory with `@lacuna/btree` and compares with what was recorded of it and with
 * SQLite itself: rows and types of every table, entries and order of every index, schemas, logs, damaged images.
 *
 *     node --conditions=lacuna-source tools/src/check-btree.ts DIRECTORY [only-paths-with-this]
 *
 * The directory holds `manifest.jsonl`, `tables.jsonl`, `file-format/sqlittle/sidecars.jsonl` and `corrupt/`.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { isLacunaError } from "@lacuna/page";
import { checkDamaged } from "./btree/check-damaged.ts";
import { checkIndex } from "./btree/check-index.ts";
import { checkColumns, checkTables } from "./btree/check-tables.ts";
import { findingsOf, imageOf, schemaOf } from "./btree/image.ts";
import { count, counts, fail, failures } from "./btree/tally.ts";
import { jsonLines } from "./json-lines.ts";

/** What `PRAGMA integrity_check` said, by path. */
const integrity = new Map<unknown, unknown>();

function checkFile(directory: string, path: string, expected: Record<string, [number, string]>): void {
  const bytes = new Uint8Array(readFileSync(join(directory, path)));
  const image = imageOf(bytes);
  const schema = schemaOf(image);
  const db = new DatabaseSync(`file:${join(directory, path)}?immutable=1`, { readOnly: true });
  try {
    checkTables(path, image, schema, expected, db);
    for (const table of schema.tables) checkColumns(path, db, table);
    for (const index of schema.indexes) checkIndex(path, image, db, schema, index);
  } catch (error) {
    if (isLacunaError(error) || !String(error).includes("malformed")) throw error;
    count("files whose schema SQLite does not accept");
  } finally {
    db.close();
  }
  const findings = findingsOf(image);
  const native = integrity.get(path);
  count(
    `${native === "ok" ? "sound" : "unsound"} files ${findings.length === 0 ? "without" : "with"} findings`,
  );
  if ((native === "ok") !== (findings.length === 0)) {
    fail(path, `integrity check says ${native}, we find ${JSON.stringify(findings.slice(0, 3))}`);
  }
  count("files");
}

function checkSidecars(directory: string): void {
  const folder = join(directory, "file-format/sqlittle");
  for (const line of jsonLines(readFileSync(join(folder, "sidecars.jsonl"), "utf8"))) {
    if (line["kind"] !== "wal") continue;
    const [db, sidecar] = [String(line["db"]), String(line["sidecar"])];
    const image = imageOf(
      new Uint8Array(readFileSync(join(folder, db))),
      new Uint8Array(readFileSync(join(folder, sidecar))),
    );
    const withSidecar = line["with_sidecar"] as { tables: Record<string, [number, string]> };
    checkTables(`${db} with ${sidecar}`, image, schemaOf(image), withSidecar.tables);
    count("logs");
  }
}

function main(directory: string | undefined, only = ""): void {
  if (directory === undefined || !existsSync(join(directory, "tables.jsonl"))) {
    console.error("usage: check-btree.ts DIRECTORY [only-paths-with-this]");
    process.exitCode = 2;
    return;
  }
  for (const line of jsonLines(readFileSync(join(directory, "manifest.jsonl"), "utf8"))) {
    integrity.set(line["path"], line["integrity"]);
  }
  for (const line of jsonLines(readFileSync(join(directory, "tables.jsonl"), "utf8"))) {
    const path = line["path"];
    if (typeof path !== "string" || !path.includes(only)) continue;
    try {
      checkFile(directory, path, line["tables"] as Record<string, [number, string]>);
    } catch (error) {
      fail(path, String((error as Error).stack));
    }
  }
  if (only === "") {
    checkSidecars(directory);
    checkDamaged(directory);
  }
  for (const [what, times] of counts) console.log(`${String(times).padStart(9)}  ${what}`);
  for (const failure of failures) console.log(`FAILED ${failure}`);
  process.exitCode = failures.length > 0 ? 1 : 0;
}

main(process.argv[2], process.argv[3]);
