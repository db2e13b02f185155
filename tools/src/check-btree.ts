/**
 * Reads every database of a data directory with `@lacuna/btree` and compares with what was recorded of it and with
 * SQLite itself: rows and types of every table, entries and order of every index, schemas, logs, damaged images.
 *
 *     node --conditions=lacuna-source tools/src/check-btree.ts DIRECTORY [only-paths-with-this]
 *
 * The directory holds `manifest.jsonl`, `tables.jsonl`, `file-format/sqlittle/sidecars.jsonl` and `corrupt/`.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { gunzipSync } from "node:zlib";
import {
  type DatabaseHeader,
  findByName,
  forEachEntrySync,
  type Index,
  IndexWalk,
  pageCountOf,
  parseDatabaseHeader,
  RowReader,
  runTaskSync,
  type Schema,
  SchemaTask,
  type Table,
  TableWalk,
  treeFormat,
  type Value,
} from "@lacuna/btree";
import { CheckTask, type Finding } from "@lacuna/btree/check";
import { WalIndex } from "@lacuna/btree/wal";
import { isLacunaError, type PageNo } from "@lacuna/page";

interface Image {
  readonly header: DatabaseHeader;
  readonly pageCount: number;
  peek(page: PageNo): Uint8Array | undefined;
}

function imageOf(bytes: Uint8Array, wal?: Uint8Array): Image {
  const log = new WalIndex();
  if (wal !== undefined) {
    log.begin(wal.subarray(0, 32));
    log.append(wal.subarray(32));
  }
  const pageSize = log.header?.pageSize ?? parseDatabaseHeader(bytes).pageSize;
  const pageCount = log.lastCommit?.pageCount ?? pageCountOf(parseDatabaseHeader(bytes), bytes.length);
  const peek = (page: PageNo): Uint8Array => {
    const inLog = log.offsetOf(page);
    const [from, at] =
      inLog === undefined || wal === undefined ? [bytes, (page - 1) * pageSize] : [wal, inLog];
    return from.subarray(at, at + pageSize);
  };
  return { header: parseDatabaseHeader(peek(1 as PageNo)), pageCount, peek };
}

function findingsOf(image: Image): readonly Finding[] {
  return runTaskSync(new CheckTask(image.header, image.pageCount), (page) => image.peek(page)).findings;
}

const schemaOf = (image: Image): Schema =>
  runTaskSync(new SchemaTask(image.header, image.pageCount), (page) => image.peek(page));

function* jsonLines(text: string): Generator<Record<string, unknown>> {
  for (const line of text.split("\n")) if (line !== "") yield JSON.parse(line);
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const reals = new DataView(new ArrayBuffer(8));

/** A value as the digests spell it; `raw` is the text as stored. */
function cell(value: Value, raw: Uint8Array | undefined): unknown[] {
  if (value === null) return ["n"];
  if (typeof value === "bigint") return ["i", String(value)];
  if (typeof value === "number") {
    reals.setFloat64(0, value);
    return ["r", hex(new Uint8Array(reals.buffer))];
  }
  if (typeof value !== "string") return ["b", hex(value)];
  return raw === undefined || Buffer.from(value).equals(raw) ? ["t", value] : ["x", hex(raw)];
}

function* rowsOf(image: Image, table: Table): Generator<unknown[][]> {
  const reader = new RowReader(table, { bigints: true });
  const format = treeFormat(image.header, image.pageCount);
  const root = table.rootPage as PageNo;
  const walk = table.withoutRowid
    ? new IndexWalk(format, root, table.key, { bigints: true })
    : new TableWalk(format, root, { bigints: true });
  const positions = reader.columns.map((column) => table.fields.indexOf(table.columns.indexOf(column)));
  const isUtf8 = image.header.textEncoding === "utf-8";
  const rows: unknown[][][] = [];
  forEachEntrySync(
    walk,
    (page) => image.peek(page),
    (entry) => {
      const row = reader.read(entry);
      rows.push(
        row.map((value, at) => {
          const raw =
            typeof value === "string" && isUtf8 ? entry.record.bytes(positions[at] as number) : undefined;
          return cell(value, raw);
        }),
      );
    },
  );
  yield* rows;
}

function digest(rows: Iterable<unknown>): [number, string] {
  const lines = Array.from(rows, (row) => JSON.stringify(row));
  return [lines.length, createHash("sha256").update(lines.join("\n")).digest("hex").slice(0, 32)];
}

const scratch = mkdtempSync(join(tmpdir(), "lacuna-check-"));
process.on("exit", () => rmSync(scratch, { recursive: true }));

/** What `PRAGMA integrity_check` said, by path. */
const integrity = new Map<unknown, unknown>();
const failures: string[] = [];
const counts = new Map<string, number>();
const count = (what: string, by = 1): unknown => counts.set(what, (counts.get(what) ?? 0) + by);
function fail(where: string, what: string): void {
  count("FAILED");
  failures.push(`${where}: ${what}`);
}

/** SQLite may answer from an index that has every column, in its order. */
function sameInAnotherOrder(db: DatabaseSync | undefined, image: Image, table: Table): boolean {
  const told = db === undefined ? undefined : rowsOfSqlite(db, table);
  const sorted = (rows: Iterable<unknown>): string =>
    Array.from(rows, (row) => JSON.stringify(row))
      .sort()
      .join("\n");
  count("tables compared in another order");
  return told !== undefined && sorted(told) === sorted(rowsOf(image, table));
}

/** The rows as SQLite reads them; `undefined` if it does not. */
function rowsOfSqlite(db: DatabaseSync, table: Table): unknown[][][] | undefined {
  try {
    const statement = db.prepare(`SELECT * FROM ${quote(table.name)} NOT INDEXED`);
    statement.setReadBigInts(true);
    const names = statement.columns().map(({ name }) => name);
    return statement.all().map((row) => names.map((name) => cell(row[name] as Value, undefined)));
  } catch {
    return undefined;
  }
}

function checkTables(
  path: string,
  image: Image,
  schema: Schema,
  expected: Record<string, [number, string]>,
  db?: DatabaseSync,
): void {
  for (const [name, [rows, sha]] of Object.entries(expected)) {
    const table = findByName(schema.tables, name);
    if (table === undefined) fail(path, `table ${name} is not in the schema`);
    else {
      try {
        const [found, digestFound] = digest(rowsOf(image, table));
        count("tables compared");
        count("rows compared", found);
        if (found !== rows || (digestFound !== sha && !sameInAnotherOrder(db, image, table))) {
          fail(path, `${name}: ${found} rows, expected ${rows}, or other values`);
        }
      } catch (error) {
        fail(path, `${name}: ${error}`);
      }
    }
  }
}

const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** Every entry of an index, against what SQLite gives in the order of that index. */
function checkIndex(path: string, image: Image, db: DatabaseSync, schema: Schema, index: Index): void {
  if (index.problem !== undefined || index.rootPage === undefined) {
    fail(path, `${index.name}: ${index.problem}`);
    return;
  }
  const table = findByName(schema.tables, index.tableName) as Table;
  const where = `${path} ${index.name}`;
  const info = db.prepare(`PRAGMA index_xinfo(${quote(index.name)})`).all();
  const told = info.map((row) => [Number(row["cid"]), String(row["coll"]).toUpperCase(), row["desc"] === 1]);
  const ours = index.key.map(({ column, collation, descending }, at) => {
    return [column ?? (at < index.declared ? -2 : -1), collation, descending];
  });
  if (JSON.stringify(told) !== JSON.stringify(ours)) {
    fail(where, `columns ${JSON.stringify(ours)}, expected ${JSON.stringify(told)}`);
  }
  count("indexes parsed");
  const columns = index.key.map(({ column }, at) => {
    if (column !== undefined) return quote(table.columns[column]?.name ?? "");
    return at < index.declared ? undefined : "rowid";
  });
  if (index.partial || columns.includes(undefined)) return;
  const order = index.key.map(
    ({ descending, collation }, at) => `${columns[at]} COLLATE ${collation}${descending ? " DESC" : ""}`,
  );
  let expected: Record<string, unknown>[];
  try {
    const statement = db.prepare(
      `SELECT ${columns.map((column, at) => `${column} AS c${at}`).join()} FROM ${quote(index.tableName)} INDEXED BY ${quote(index.name)} ORDER BY ${order.join()}`,
    );
    statement.setReadBigInts(true);
    expected = statement.all();
  } catch (error) {
    count(`indexes SQLite itself cannot order (${String(error).slice(0, 60)})`);
    return;
  }
  const realColumns = index.key.map(
    ({ column }) => column !== undefined && table.columns[column]?.affinity === "REAL",
  );
  const spell = (value: Value, at: number): unknown =>
    cell(realColumns[at] && typeof value === "bigint" ? Number(value) : value, undefined);
  const walk = new IndexWalk(treeFormat(image.header, image.pageCount), index.rootPage, index.key, {
    bigints: true,
  });
  const rows: unknown[] = [];
  forEachEntrySync(
    walk,
    (page) => image.peek(page),
    (entry) => rows.push(entry.record.values().map(spell)),
  );
  const wanted = expected.map((row) => index.key.map((_, at) => spell(row[`c${at}`] as Value, at)));
  if (JSON.stringify(rows) !== JSON.stringify(wanted))
    fail(where, `${rows.length} entries, expected ${wanted.length}, or other ones`);
  count("indexes compared");
  count("entries compared", rows.length);
  checkSeeks(where, image, index, rows.length);
}

/** Seeks some of the entries again, by their whole key, in both directions. */
function checkSeeks(where: string, image: Image, index: Index, total: number): void {
  const format = treeFormat(image.header, image.pageCount);
  const peek = (page: PageNo): Uint8Array | undefined => image.peek(page);
  const stride = Math.max(1, Math.floor(total / 50));
  const keys: Value[][] = [];
  let at = 0;
  forEachEntrySync(new IndexWalk(format, index.rootPage as PageNo, index.key), peek, (entry) => {
    if (at++ % stride === 0) keys.push(entry.record.values());
  });
  for (const key of keys) {
    for (const reverse of [false, true]) {
      const found: Value[][] = [];
      try {
        const walk = new IndexWalk(format, index.rootPage as PageNo, index.key, {
          from: { key },
          to: { key },
          reverse,
        });
        forEachEntrySync(walk, peek, (entry) => found.push(entry.record.values()));
      } catch (error) {
        if (isLacunaError(error, "UNSUPPORTED_DATABASE"))
          return void count("indexes with a foreign collation");
        throw error;
      }
      if (found.length !== 1) fail(where, `${found.length} entries for the key ${String(key)}`);
      count("entries sought");
    }
  }
}

/** Columns and their facts, against PRAGMA table_xinfo. */
function checkColumns(path: string, db: DatabaseSync, table: Table): void {
  count("tables parsed");
  if (table.virtual) return;
  const info = db.prepare(`PRAGMA table_xinfo(${quote(table.name)})`).all();
  const hidden = { virtual: 2, stored: 3 } as const;
  const told = info.map((row) => [row["name"], String(row["type"]).toUpperCase(), row["hidden"]]);
  const ours = table.columns.map(({ name, type, generated }) => [
    name,
    type.toUpperCase(),
    generated ? hidden[generated] : 0,
  ]);
  if (JSON.stringify(told) !== JSON.stringify(ours)) {
    fail(
      path,
      `${table.name}: ${table.problem ?? ""} columns ${JSON.stringify(ours)}, expected ${JSON.stringify(told)}`,
    );
  }
}

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

function checkDamaged(directory: string): void {
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
