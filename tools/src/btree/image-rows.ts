import { createHash } from "node:crypto";
import {
  forEachEntrySync,
  IndexWalk,
  RowReader,
  type Table,
  TableWalk,
  treeFormat,
  type Value,
} from "@lacuna/btree";
import type { PageNo } from "@lacuna/page";
import type { Image } from "./image.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const reals = new DataView(new ArrayBuffer(8));

/** A value as the digests spell it; `raw` is the text as stored. */
export function cell(value: Value, raw: Uint8Array | undefined): unknown[] {
  if (value === null) return ["n"];
  if (typeof value === "bigint") return ["i", String(value)];
  if (typeof value === "number") {
    reals.setFloat64(0, value);
    return ["r", hex(new Uint8Array(reals.buffer))];
  }
  if (typeof value !== "string") return ["b", hex(value)];
  return raw === undefined || Buffer.from(value).equals(raw) ? ["t", value] : ["x", hex(raw)];
}

/** The rows of a table as `@lacuna/btree` reads them, spelt as in the digests. */
export function* rowsOf(image: Image, table: Table): Generator<unknown[][]> {
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

/** How many rows there are, and a name for what they hold. */
export function digest(rows: Iterable<unknown>): [number, string] {
  const lines = Array.from(rows, (row) => JSON.stringify(row));
  return [lines.length, createHash("sha256").update(lines.join("\n")).digest("hex").slice(0, 32)];
}
