import type { SchemaRow } from "@lacuna/btree";
import { encodeRecord } from "@lacuna/btree/write";

/** The tables in which FTS5 keeps its own, after the name of the virtual table. */
const SHADOW = /^(.*)_(?:data|idx|content|docsize)$/s;
const BEGINNING = /^CREATE VIRTUAL TABLE\b.*?\bUSING\s+fts5\s*\(/is;
/** Also without its end, so that no text takes long. */
const QUOTED = /'(?:[^']|'')*'?|"(?:[^"]|"")*"?|`(?:[^`]|``)*`?|\[[^\]]*\]?/g;
/** The words of a column are taken to be so many. */
const USUAL_WORDS = 5;
/** More would make records that fill a page. */
const MOST_COLUMNS = 50;

/** What the tables of FTS5 must look like for it to go on where their pages are not here. */
export class FullText {
  /** Columns by the name of the virtual table. */
  readonly #columns = new Map<string, number>();

  constructor(rows: readonly SchemaRow[]) {
    for (const { type, name, sql } of rows) {
      if (type !== "table" || sql === null) continue;
      const start = BEGINNING.exec(sql)?.[0].length;
      if (start !== undefined) this.#columns.set(name, columnsOf(sql.slice(start, sql.lastIndexOf(")"))));
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

/** Of what a virtual table is given, all but options are columns. */
function columnsOf(given: string): number {
  const plain = given.replace(QUOTED, "x");
  return plain.split(",").filter((each) => !each.includes("=")).length;
}
