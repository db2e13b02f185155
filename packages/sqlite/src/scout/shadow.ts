import type { BtreePage, Rowid, SchemaRow, Value } from "@lacuna/btree";
import type { PlaceholderRecord } from "@lacuna/btree/write";
import { fullTextShadows } from "./full-text.ts";
import { spatialShadows } from "./spatial.ts";

/**
 * What a virtual table expects of a table in which it keeps its own. Where it finds something else, as in rows of NULLs, it
 * reports corruption, and the run ahead is over.
 */
export interface Shadow {
  /** The virtual table. */
  readonly owner: string;
  /** What rows hold that are made up; NULLs unless given. */
  readonly record?: PlaceholderRecord | undefined;
  /** The same for leaves that follow one that was read, if what that one holds may go on there. */
  readonly continuing?: PlaceholderRecord | undefined;
  /** Row ids that are likely among those greater than `after` and at most `upTo`. */
  readonly likely?: ((after: Rowid, upTo: Rowid) => Rowid[]) | undefined;
  /** Only looked up by row id, and a row that is not there is no fault: none is made up. */
  readonly mayLack?: true | undefined;
  /** Entries of a leaf of a WITHOUT ROWID table between two others, if known. */
  readonly entries?: ((before?: readonly Value[], after?: readonly Value[]) => Value[][]) | undefined;
  /** Of a table without row ids: the shadow of the same owner to whose rows its entries point. */
  readonly pointsTo?: string | undefined;
  /** Learns from pages to which rows of this table they point. */
  readonly pointers?: (() => Pointers) | undefined;
  /**
   * The upper part of this tree is wanted together with those of the owner's others that say so. What it keeps is gone
   * through from the beginning of the first.
   */
  readonly together?: "first" | "later" | undefined;
}

/** Learns to which rows of a table pages point. */
export interface Pointers {
  see(view: BtreePage): void;
  /** In any order. */
  rowids(): Rowid[];
}

const BEGINNING = /^CREATE VIRTUAL TABLE\b.*?\bUSING\s+(fts5|rtree|rtree_i32)\s*\(/is;
/** Also without its end, so that no text takes long. */
const QUOTED = /'(?:[^']|'')*'?|"(?:[^"]|"")*"?|`(?:[^`]|``)*`?|\[[^\]]*\]?/g;

/** The tables in which virtual ones keep their own, by name. */
export function shadowsOf(rows: readonly SchemaRow[], pageSize: number): ReadonlyMap<string, Shadow> {
  const shadows = new Map<string, Shadow>();
  for (const { type, name, sql } of rows) {
    const beginning = type === "table" && sql !== null ? BEGINNING.exec(sql) : null;
    if (beginning === null || sql === null) continue;
    const given = sql.slice(beginning[0].length, sql.lastIndexOf(")")).replace(QUOTED, "x").split(",");
    const isText = beginning[1]?.toLowerCase() === "fts5";
    const own = isText ? fullTextShadows(name, given) : spatialShadows(name, given, pageSize);
    for (const [suffix, shadow] of Object.entries(own)) shadows.set(`${name}_${suffix}`, shadow);
  }
  return shadows;
}
