import { LacunaError, type SqlValue } from "@lacuna/page";
import {
  ByteReader,
  type ChangesetEntry,
  changesetTables,
  type RowValues,
  readChangeset,
  readRowValues,
} from "@lacuna/protocol";
import { boundValue } from "./bound-value.ts";
import { ByteWriter } from "./byte-writer.ts";
import type { CapturedItem, CapturedRow, CapturedTransaction } from "./captured.ts";
import type { Change, ChangeId, ChangeTransaction, RowChange } from "./change.ts";
import { orderRows, type TableEntry } from "./order-rows.ts";
import { writeRowValues } from "./row-values.ts";
import { decodeFacts, encodeFacts, type TableFacts, tableFacts } from "./table-facts.ts";

const VERSION = 1;
const DDL = 1;
const CHANGESET = 2;
const STATEMENT = 3;

/**
 * What a transaction did, as bytes to be kept until the remote has it: all that a push needs, so that later changes of the
 * schema cannot get in its way. Version 1: the version, the time, then the items; numbers are varints, texts and bytes stand
 * behind their lengths. Whoever keeps it sees to a checksum.
 * @param time when it happened, in milliseconds since 1970
 * @throws {LacunaError} `NOT_SUPPORTED` for a table whose statement is not understood
 */
export function encodeChange({ items }: CapturedTransaction, time: number): Uint8Array {
  const writer = new ByteWriter()
    .byte(VERSION)
    .count(Math.max(0, Math.floor(time)))
    .count(items.length);
  for (const item of items) {
    if (item.kind === "ddl") writer.byte(DDL).text(item.sql);
    else if (item.kind === "statement") {
      writer.byte(STATEMENT).text(item.sql).count(item.parameters.length);
      writeRowValues(writer, item.parameters.map(boundValue));
    } else encodeChangeset(writer, item);
  }
  return writer.finish();
}

function encodeChangeset(writer: ByteWriter, item: CapturedItem & { readonly kind: "changeset" }): void {
  const { bytes, schema, rows } = item;
  const factsOf = tableFacts(schema);
  const names = changesetTables(bytes);
  writer.byte(CHANGESET).count(names.size);
  for (const name of names) writer.text(encodeFacts(factsOf(name)));
  writer.bytes(bytes);
  writer.count(rows.length);
  for (const { table, rowid, values } of rows) {
    writer
      .text(table)
      .int64(rowid ?? 0n)
      .count(values.length);
    writeRowValues(writer, values);
  }
}

/**
 * What `encodeChange` wrote, change by change in an order in which it can be repeated.
 * @param number of the transaction
 * @throws {LacunaError} `REPLICA_CORRUPT` if the bytes are something else, `NOT_SUPPORTED` if a later version wrote them
 */
export function decodeChange(bytes: Uint8Array, number: number): ChangeTransaction {
  const reader = new ByteReader(bytes, `local change ${number}`);
  const version = reader.byte();
  if (version !== VERSION) {
    throw new LacunaError(
      "NOT_SUPPORTED",
      `changes of version ${VERSION} expected, found version ${version}`,
    );
  }
  const time = reader.count();
  const changes: Change[] = [];
  const id = (): string => `${number}.${changes.length + 1}`;
  for (let left = reader.count(); left > 0; left--) {
    const kind = reader.byte();
    if (kind === DDL) changes.push({ kind: "schema", id: id(), sql: reader.text(reader.count()) });
    else if (kind === STATEMENT) {
      const sql = reader.text(reader.count());
      const args = readRowValues(reader, reader.count()).map((value) => value ?? null);
      changes.push({ kind: "statement", id: id(), sql, args });
    } else if (kind === CHANGESET) {
      const ordered = orderRows(decodeChangeset(reader));
      const first = changes.length + 1;
      const ids = new Map(ordered.map((entry, at) => [entry, `${number}.${first + at}`]));
      for (const entry of ordered) changes.push(rowChange(entry, ids));
    } else throw reader.error(`an item of kind 1 to 3 expected, found ${kind}`);
  }
  if (!reader.atEnd) throw reader.error("the end expected, found more");
  return { number, time, changes };
}

function decodeChangeset(reader: ByteReader): TableEntry[] {
  const known = new Map<string, TableFacts>();
  for (let left = reader.count(); left > 0; left--) {
    const facts = decodeFacts(reader.text(reader.count()), reader);
    known.set(facts.name, facts);
  }
  const entries = [...readChangeset(reader.take(reader.count()))];
  const tableOf = (table: string): TableFacts => {
    const facts = known.get(table);
    if (facts === undefined) throw reader.error(`nothing is told of table ${JSON.stringify(table)}`);
    return facts;
  };
  const rows = decodeRows(reader, tableOf);
  return entries
    .map((entry) => withoutSame(tableEntry(entry, tableOf(entry.table), rows, reader)))
    .filter(({ operation, after }) => operation !== "update" || after.some((value) => value !== undefined));
}

/**
 * Leaves out what only seems to have changed. A row that is older than a column does not hold it, and SQLite's session
 * extension takes a default that is a whole number for an INTEGER then, where the column is REAL and has it as such.
 */
function withoutSame(entry: TableEntry): TableEntry {
  const { facts, operation, before, after } = entry;
  if (operation !== "update") return entry;
  const same = facts.real.filter((at) => typeof before[at] === "bigint" && Number(before[at]) === after[at]);
  if (same.length === 0) return entry;
  return { ...entry, after: after.map((value, at) => (same.includes(at) ? undefined : value)) };
}

type Rows = ReadonlyMap<string, readonly SqlValue[]>;

/** What tells a row from all others of a changeset: its key, or its row id. */
function placeOf({ name, key }: TableFacts, rowid: bigint | undefined, values: RowValues): string {
  const parts = key.length === 0 ? [rowid] : key.map((at) => values[at]);
  return `${name}\0${parts.map((part) => `${typeof part} ${String(part)}`).join("\0")}`;
}

function decodeRows(reader: ByteReader, tableOf: (table: string) => TableFacts): Rows {
  const rows = new Map<string, CapturedRow["values"]>();
  for (let left = reader.count(); left > 0; left--) {
    const facts = tableOf(reader.text(reader.count()));
    const rowid = reader.int64();
    const values = readRowValues(reader, reader.count()) as readonly SqlValue[];
    rows.set(placeOf(facts, rowid, values), values);
  }
  return rows;
}

function rowChange(entry: TableEntry, ids: ReadonlyMap<TableEntry, ChangeId>): RowChange {
  const { facts: table, operation, indirect, rowid, before, after, whole } = entry;
  const parks = entry.parks && ids.get(entry.parks);
  const change = { kind: "row", id: ids.get(entry) ?? "", table, indirect, parks, rowid } as const;
  return whole === undefined
    ? { ...change, operation, before, after }
    : { ...change, operation: "insert", before: [], after: whole };
}

/**
 * Of a table without key, the row id stands in front; and what an update did not change is added to what was. Of one with a
 * key, rows that were put in the place of others are known as a whole.
 */
function tableEntry(entry: ChangesetEntry, facts: TableFacts, rows: Rows, reader: ByteReader): TableEntry {
  const keyless = facts.key.length === 0;
  if (entry.key.length !== facts.columns.length + (keyless ? 1 : 0)) {
    throw reader.error(
      `${facts.columns.length} columns of ${JSON.stringify(entry.table)} expected, found others`,
    );
  }
  if (!keyless) {
    const row = entry.operation === "update" ? rows.get(placeOf(facts, undefined, entry.before)) : undefined;
    const whole = row && filledUp(entry.after, row);
    return { ...entry, facts, rowid: undefined, whole };
  }
  const rowid = entry.before[0] ?? entry.after[0];
  if (typeof rowid !== "bigint") throw reader.error("a row id expected, found another value");
  const before = entry.before.slice(1);
  const after = entry.after.slice(1);
  const row = entry.operation === "update" ? rows.get(placeOf(facts, rowid, [])) : undefined;
  return { ...entry, facts, rowid, before: row === undefined ? before : filledUp(before, row), after };
}

function filledUp(values: RowValues, row: readonly SqlValue[]): RowValues {
  return values.map((value, column) => (value === undefined ? row[column] : value));
}
