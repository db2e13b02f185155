import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { gunzipSync } from "node:zlib";
import {
  findByName,
  forEachEntrySync,
  RowReader,
  type Schema,
  type Table,
  TableWalk,
  treeFormat,
} from "@lacuna/btree";
import { isLacunaError, type PageNo } from "@lacuna/page";
import { jsonLines } from "../json-lines.ts";
import { rowsOfSqlite } from "./check-tables.ts";
import { findingsOf, type Image, imageOf, schemaOf } from "./image.ts";
import { rowsOf } from "./image-rows.ts";
import { count, fail } from "./tally.ts";

const scratch = mkdtempSync(join(tmpdir(), "lacuna-check-"));
process.on("exit", () => rmSync(scratch, { recursive: true }));

/** The rows of each table, or the code of the error. */
function outcome(bytes: Uint8Array): { schema: number | string; tables: Record<string, number | string> } {
  const tables: Record<string, number | string> = {};
  let schema: Schema;
  let image: Image;
  try {
    image = imageOf(bytes);
    schema = schemaOf(image);
  } catch (error) {
    if (!isLacunaError(error)) throw error;
    return { schema: error.code, tables };
  }
  for (const table of schema.tables) {
    if (table.rootPage === undefined) continue;
    try {
      let rows = 0;
      for (const _ of rowsOf(image, table)) rows++;
      tables[table.name] = rows;
    } catch (error) {
      if (!isLacunaError(error)) throw error;
      tables[table.name] = error.code;
    }
  }
  const { length } = [...schema.tables, ...schema.indexes, ...schema.views, ...schema.triggers];
  return { schema: length, tables };
}

function checkOutcome(where: string, bytes: Uint8Array, expected: Record<string, unknown>): void {
  const start = performance.now();
  let found: ReturnType<typeof outcome>;
  try {
    found = outcome(bytes);
  } catch (error) {
    fail(where, `threw ${(error as Error).stack}`);
    return;
  }
  if (performance.now() - start > 1000) fail(where, `took ${Math.round(performance.now() - start)} ms`);
  count("damaged images");
  if (typeof expected["schema"] !== "number") {
    if (typeof found.schema === "number") count("damaged images whose schema only we read");
    return;
  }
  if (typeof found.schema !== "number") {
    count("damaged images whose schema only SQLite reads");
    return;
  }
  checkFindings(where, bytes, expected["integrity"]);
  const db = deserialize(bytes);
  for (const [name, rows] of Object.entries(expected["tables"] as Record<string, number | string>)) {
    const ours = found.tables[name];
    if (typeof ours === "number" && typeof rows === "number" && ours !== rows && rows < 2000) {
      fail(where, `table ${name}: ${ours} rows, SQLite reads ${rows}`);
    } else if (typeof ours === "number") {
      checkDamagedRows(where, bytes, db, name);
      count(typeof rows === "number" ? "damaged tables read alike" : "damaged tables only we read");
    } else if (ours === rows) count("damaged tables read alike");
    else if (typeof rows === "number") count("damaged tables only SQLite reads");
    else count("damaged tables nobody reads");
  }
}

function checkFindings(where: string, bytes: Uint8Array, native: unknown): void {
  const findings = findingsOf(imageOf(bytes));
  count(`damaged images ${native}, we find ${findings.length === 0 ? "nothing" : "something"}`);
  if (native !== "ok" && findings.length === 0) fail(where, `integrity check finds something, we do not`);
  if (native === "ok" && findings.length > 0)
    fail(where, `integrity check is ok, we find ${JSON.stringify(findings[0])}`);
}

/** What both can read of a damaged table must be the same. */
function checkDamagedRows(where: string, bytes: Uint8Array, db: DatabaseSync, name: string): void {
  const image = imageOf(bytes);
  const table = findByName(schemaOf(image).tables, name) as Table;
  const told = rowsOfSqlite(db, table);
  if (told === undefined) return;
  count("damaged tables compared value by value");
  if (JSON.stringify(told) !== JSON.stringify([...rowsOf(image, table)]))
    fail(where, `table ${name}: other values`);
}

function deserialize(bytes: Uint8Array): DatabaseSync {
  const path = join(scratch, "damaged.db");
  rmSync(path, { force: true });
  writeFileSync(path, bytes);
  return new DatabaseSync(path, { readOnly: true });
}

/** Damaged images: nothing but typed errors, and what both can read is the same. */
export function checkDamaged(directory: string): void {
  const corrupt = join(directory, "corrupt");
  const outcomes = gunzipSync(readFileSync(join(corrupt, "fuzzdata3.outcomes.jsonl.gz"))).toString();
  const image = imageOf(new Uint8Array(gunzipSync(readFileSync(join(corrupt, "fuzzdata3.db.gz")))));
  const table = findByName(schemaOf(image).tables, "db") as Table;
  const reader = new RowReader(table, { columns: ["dbid", "dbcontent"] });
  const images = new Map<unknown, Uint8Array>();
  const format = treeFormat(image.header, image.pageCount);
  forEachEntrySync(
    new TableWalk(format, table.rootPage as PageNo),
    (page) => image.peek(page),
    (entry) => {
      const [id, content] = reader.read(entry);
      images.set(id, content as Uint8Array);
    },
  );
  for (const line of jsonLines(outcomes)) {
    const bytes = images.get(line["id"]);
    if (bytes !== undefined) checkOutcome(`fuzzdata3 ${line["id"]}`, bytes, line);
  }
  for (const line of jsonLines(readFileSync(join(corrupt, "sqlittle-fuzz.outcomes.jsonl"), "utf8"))) {
    if (line["id"] === undefined) continue;
    const path = join(corrupt, "sqlittle-fuzz", String(line["id"]));
    checkOutcome(String(line["id"]), new Uint8Array(readFileSync(path)), line);
  }
}
