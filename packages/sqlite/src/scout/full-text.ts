import type { SchemaRow } from "@lacuna/btree";
import { encodeRecord } from "@lacuna/btree/write";

/** The tables in which FTS5 keeps its own, after the name of the virtual table. */
const SHADOW = /^(.*)_(?:data|idx|content|docsize)$/s;
/** The words of a column are taken to be so many. */
const USUAL_WORDS = 5;

/** What the tables of FTS5 must look like for it to go on where their pages are not here. */
export class FullText {
  /** Columns by the name of the virtual table. */
  readonly #columns = new Map<string, number>();

  constructor(rows: readonly SchemaRow[]) {
    for (const { type, name, sql } of rows) {
      const given =
        type === "table" ? /^CREATE VIRTUAL TABLE\b.*?\bUSING\s+fts5\s*\((.*)\)\s*$/is.exec(sql ?? "") : null;
      if (given?.[1] !== undefined) this.#columns.set(name, columnsOf(given[1]));
    }
  }

  /** The virtual table that keeps its own in a table, if there is one. */
  ownerOf(table: string): string | undefined {
    const owner = SHADOW.exec(table)?.[1];
    return owner !== undefined && this.#columns.has(owner) ? owner : undefined;
  }

  /** A record for rows of a table in which FTS5 does not put up with NULLs: how many words each column of a row has. */
  recordOf(table: string): Uint8Array | undefined {
    const owner = table.endsWith("_docsize") ? this.ownerOf(table) : undefined;
    const columns = owner === undefined ? undefined : this.#columns.get(owner);
    if (columns === undefined || columns > MOST_COLUMNS) return undefined;
    return encodeRecord([null, new Uint8Array(columns).fill(USUAL_WORDS)]);
  }
}

/** More would make records that fill a page. */
const MOST_COLUMNS = 50;

/** Of what a virtual table is given, all but options are columns. */
function columnsOf(given: string): number {
  const plain = given.replace(/'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]/g, "x");
  return plain.split(",").filter((each) => !each.includes("=")).length;
}
