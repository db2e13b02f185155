import {
  type DatabaseHeader,
  forEachEntry,
  forEachEntrySync,
  parseDatabaseHeader,
  type SchemaRow,
  SchemaTask,
} from "@lacuna/btree";
import { type PageNo, type PageSource, pageNo } from "@lacuna/page";
import type { Glance } from "./glance.ts";
import { type Shadow, shadowsOf } from "./shadow.ts";

/** A B-tree of the database and what its leaves were seen to hold. */
export interface Tree {
  readonly root: PageNo;
  /** Of the table or index. */
  readonly name: string;
  /** Of the table itself or that an index belongs to. */
  readonly tableName: string;
  /** It has row ids for keys, as far as the schema tells. */
  readonly hasRowids: boolean;
  /** The table to whose rows the entries of an index point by row id, or what a virtual table keeps there. */
  rows: Tree | undefined;
  /** What a virtual table expects of it that keeps its own there. */
  readonly shadow: Shadow | undefined;
  /** Leaves seen, up to some, and the cells on them. */
  leaves: number;
  cells: number;
  /** Interior pages whose children were seen to be interior pages, too. */
  readonly upper: Set<PageNo>;
  /** How often readers missed a child of one of those. */
  upperMisses: number;
}

/** Leaves that tell how many cells a leaf of the tree has. */
const SAMPLE_LEAVES = 64;

/** The B-trees that the schema names. */
export class Forest {
  readonly header: DatabaseHeader;
  readonly #trees: ReadonlyMap<PageNo, Tree>;

  /**
   * @returns `undefined` if not all of the schema is here
   * @throws {LacunaError} `CORRUPT_PAGE`, `NOT_A_DATABASE` if it makes no sense
   */
  static read(glance: Glance, pageCount: number): Forest | undefined {
    const first = glance(pageNo(1));
    if (first === undefined) return undefined;
    const header = parseDatabaseHeader(first);
    const task = new SchemaTask(header, pageCount);
    let complete = true;
    const peek: Glance = (page) => {
      const bytes = glance(page);
      complete = bytes !== undefined;
      return bytes;
    };
    try {
      forEachEntrySync(task, peek, () => {});
    } catch (error) {
      if (!complete) return undefined;
      throw error;
    }
    return new Forest(header, task.rows);
  }

  /** The same, fetching what is not here. */
  static async load(snapshot: PageSource, signal: AbortSignal): Promise<Forest> {
    const header = parseDatabaseHeader(await snapshot.read(pageNo(1), { signal }));
    const task = new SchemaTask(header, snapshot.pageCount);
    await forEachEntry(task, snapshot, () => {}, { signal });
    return new Forest(header, task.rows);
  }

  private constructor(header: DatabaseHeader, rows: readonly SchemaRow[]) {
    this.header = header;
    const trees = new Map<PageNo, Tree>();
    const shadows = shadowsOf(rows, header.pageSize);
    const tables = new Map<string, Tree>();
    for (const { type, name, rootPage, sql } of rows) {
      if (type !== "table" || rootPage === undefined) continue;
      const hasRowids = !/\bWITHOUT\s+ROWID\b[^)]*$/i.test(sql ?? "");
      const tree = { ...newTree(rootPage, name, name), hasRowids, shadow: shadows.get(name) };
      tables.set(name, tree);
      trees.set(rootPage, tree);
    }
    for (const tree of tables.values()) {
      const { owner, pointsTo } = tree.shadow ?? {};
      if (pointsTo !== undefined) tree.rows = tables.get(`${owner}_${pointsTo}`);
    }
    for (const { type, name, tableName, rootPage } of rows) {
      if (type !== "index" || rootPage === undefined) continue;
      const table = tables.get(tableName);
      const rows = table?.hasRowids === true ? table : undefined;
      trees.set(rootPage, { ...newTree(rootPage, name, tableName), rows });
    }
    this.#trees = trees;
  }

  get(root: PageNo): Tree | undefined {
    return this.#trees.get(root);
  }

  /** The trees of a virtual table of which it wants the upper parts together. */
  *together(owner: string): Generator<Tree, void, undefined> {
    for (const tree of this.#trees.values())
      if (tree.shadow?.owner === owner && tree.shadow.together !== undefined) yield tree;
  }

  /** The trees of tables for which `wanted` holds, and of their indexes. */
  *ofTables(wanted: (tableName: string) => boolean): Generator<Tree, void, undefined> {
    for (const tree of this.#trees.values()) if (wanted(tree.tableName)) yield tree;
  }
}

function newTree(root: PageNo, name: string, tableName: string): Tree {
  return {
    root,
    name,
    tableName,
    hasRowids: false,
    rows: undefined,
    shadow: undefined,
    leaves: 0,
    cells: 0,
    upper: new Set(),
    upperMisses: 0,
  };
}

/** A leaf was seen. */
export function sampleLeaf(tree: Tree, cells: number): void {
  if (tree.leaves >= SAMPLE_LEAVES) return;
  tree.leaves++;
  tree.cells += cells;
}

/** Cells on a leaf of the tree, as far as is known; `otherwise` before one was seen. */
export function cellsPerLeaf(tree: Tree, otherwise: number): number {
  return tree.leaves === 0 ? otherwise : Math.max(1, Math.round(tree.cells / tree.leaves));
}
