import type { PageNo } from "@lacuna/page";
import type { KeyColumn } from "./collation.ts";
import { parseCreateIndex } from "./create-index.ts";
import {
  type Column,
  type IndexedColumn,
  type KeyConstraint,
  type ParsedTable,
  parseCreateTable,
} from "./create-table.ts";
import { foldName, SqlSyntaxError, TokenReader } from "./sql-tokens.ts";

/** One row of `sqlite_schema`. File Format, "Storage Of The SQL Database Schema". */
export interface SchemaRow {
  readonly type: string;
  readonly name: string;
  readonly tableName: string;
  /** Absent for views, triggers and virtual tables. */
  readonly rootPage: PageNo | undefined;
  /** `null` for the indexes that SQLite makes for constraints. */
  readonly sql: string | null;
}

export interface Table {
  readonly name: string;
  readonly rootPage: PageNo | undefined;
  readonly sql: string | null;
  /** In the order of `SELECT *`. Empty for a virtual table, and where there is a `problem`. */
  readonly columns: readonly Column[];
  /** Position of the column that is another name for the row id. */
  readonly rowidAlias: number | undefined;
  readonly withoutRowid: boolean;
  readonly strict: boolean;
  /** True for a virtual table: its rows are not in a B-tree of its own. */
  readonly virtual: boolean;
  /** For each field of a record, the position of its column. */
  readonly fields: readonly number[];
  /** How the rows of a WITHOUT ROWID table are ordered, by their first fields; empty for a table with row ids. */
  readonly key: readonly IndexField[];
  /** Why the statement was not understood; records can be read all the same. */
  readonly problem: string | undefined;
}

export interface IndexField extends KeyColumn {
  /** Position of the table's column; `undefined` for the row id, and for an expression. */
  readonly column: number | undefined;
}

export interface Index {
  readonly name: string;
  readonly tableName: string;
  readonly rootPage: PageNo | undefined;
  /** `null` for an index that SQLite made for a constraint. */
  readonly sql: string | null;
  readonly unique: boolean;
  /** True if not every row of the table has an entry. */
  readonly partial: boolean;
  /** The columns that were declared. Empty where there is a `problem`. */
  readonly declared: number;
  /** Every field of an entry: those declared, then the row id or what the primary key adds. */
  readonly key: readonly IndexField[];
  readonly problem: string | undefined;
}

/** What `sqlite_schema` says, read into tables and indexes. */
export interface Schema {
  readonly tables: readonly Table[];
  readonly indexes: readonly Index[];
  readonly views: readonly SchemaRow[];
  readonly triggers: readonly SchemaRow[];
}

/** The schema table itself, at page 1. */
export const SCHEMA_TABLE: Table = readTable({
  type: "table",
  name: "sqlite_schema",
  tableName: "sqlite_schema",
  rootPage: 1 as PageNo,
  sql: "CREATE TABLE sqlite_schema(type TEXT,name TEXT,tbl_name TEXT,rootpage INT,sql TEXT)",
}).table;

/**
 * Reads the rows of `sqlite_schema`. A statement that is not understood becomes the `problem` of its table or index.
 * @param schemaFormat of the database header: below 4, DESC in an index is ignored
 */
export function parseSchema(rows: readonly SchemaRow[], schemaFormat = 4): Schema {
  const ofType = (type: string): SchemaRow[] => rows.filter((row) => row.type === type);
  const descends = schemaFormat >= 4;
  const read = ofType("table").map((row) => readTable(row, descends));
  const byName = new Map(read.map((entry) => [foldName(entry.table.name), entry]));
  const indexes = ofType("index").map((row) => readIndex(row, byName.get(foldName(row.tableName))));
  return {
    tables: read.map(({ table }) => table),
    indexes,
    views: ofType("view"),
    triggers: ofType("trigger"),
  };
}

/** The first of the tables or indexes with that name, whatever the case of its ASCII letters. */
export function findByName<T extends { readonly name: string }>(
  list: readonly T[],
  name: string,
): T | undefined {
  const folded = foldName(name);
  return list.find((item) => foldName(item.name) === folded);
}

/** Runs a parser; what it does not understand becomes the problem. */
function attempt<T>(
  parse: () => T,
):
  | { readonly parsed: T; readonly problem?: undefined }
  | { readonly parsed?: undefined; readonly problem: string } {
  try {
    return { parsed: parse() };
  } catch (error) {
    if (error instanceof SqlSyntaxError) return { problem: error.message };
    throw error;
  }
}

interface ReadTable {
  readonly table: Table;
  /** The keys of its automatic indexes. */
  readonly automatic: readonly (readonly IndexField[])[];
  readonly resolve: Resolve;
}

function readTable(row: SchemaRow, descends = true): ReadTable {
  const { name, rootPage, sql } = row;
  const bare = { name, rootPage, sql, columns: [], rowidAlias: undefined, fields: [], key: [] };
  const nothing = { automatic: [], resolve: () => [] };
  const none = { ...bare, withoutRowid: false, strict: false, virtual: false, problem: undefined };
  const { parsed, problem } = attempt((): ReadTable => {
    const reader = new TokenReader(sql ?? "");
    reader.expect("CREATE");
    if (reader.accept("VIRTUAL")) return { table: { ...none, virtual: true }, ...nothing };
    const statement = parseCreateTable(sql ?? "");
    const { columns, rowidAlias, withoutRowid, strict } = statement;
    const resolve = resolver(columns, descends);
    const key = withoutRowid ? primaryKey(statement, resolve) : [];
    // A column stands in the key twice if it is there under two collations.
    const keyed = key.map(({ column }) => column as number);
    const inKey = new Set(keyed);
    const rest = [...columns.keys()].filter((at) => columns[at]?.generated !== "virtual" && !inKey.has(at));
    const table = { ...none, columns, rowidAlias, withoutRowid, strict, fields: [...keyed, ...rest], key };
    return { table, automatic: automaticKeys(statement, resolve), resolve };
  });
  return parsed ?? { table: { ...none, problem }, ...nothing };
}

/** Resolves what an index says against the columns of its table. */
type Resolve = (indexed: readonly IndexedColumn[]) => IndexField[];

function resolver(columns: readonly Column[], descends: boolean): Resolve {
  const positions = new Map(columns.map(({ name }, position) => [foldName(name), position]));
  return (indexed) =>
    indexed.map(({ name, collation, descending }) => {
      const column = name === undefined ? undefined : positions.get(foldName(name));
      const own = column === undefined ? undefined : columns[column]?.collation;
      return { column, collation: collation ?? own ?? "BINARY", descending: descending && descends };
    });
}

const spell = ({ column, collation }: IndexField): string => `${column} ${collation}`;

/** Adds the fields that are not among the first ones yet. */
function withMissing(fields: readonly IndexField[], more: readonly IndexField[]): IndexField[] {
  const known = new Set(fields.map(spell));
  return [...fields, ...more.filter((field) => !known.has(spell(field)) && known.add(spell(field)))];
}

function primaryKey({ constraints }: ParsedTable, resolve: Resolve): IndexField[] {
  const constraint = constraints.find(({ kind }) => kind === "primary-key");
  if (constraint === undefined) throw new SqlSyntaxError("expected a PRIMARY KEY of a table WITHOUT ROWID");
  const fields = resolve(constraint.columns);
  if (fields.some(({ column }) => column === undefined))
    throw new SqlSyntaxError("expected columns in a PRIMARY KEY");
  return withMissing([], fields);
}

/** The keys of the indexes that SQLite makes for constraints, in the order of their numbers. */
function automaticKeys(parsed: ParsedTable, resolve: Resolve): IndexField[][] {
  const keys = new Map<string, IndexField[]>();
  const isInteger = ({ kind }: KeyConstraint): boolean => kind === "primary-key" && parsed.integerKey;
  const integer = parsed.withoutRowid ? parsed.constraints.filter(isInteger) : [];
  // A sole INTEGER key of a table WITHOUT ROWID gets its number last.
  for (const { columns } of [
    ...parsed.constraints.filter((constraint) => !isInteger(constraint)),
    ...integer,
  ]) {
    const key = resolve(columns);
    const spelled = key.map(spell).join();
    // A repeated constraint shares the index of the first.
    if (!keys.has(spelled)) keys.set(spelled, key);
  }
  return [...keys.values()];
}

function readIndex(row: SchemaRow, owner: ReadTable | undefined): Index {
  const { name, tableName, rootPage, sql } = row;
  const { parsed, problem } = attempt(() => {
    if (owner === undefined) throw new SqlSyntaxError(`expected a table ${tableName}`);
    const { table } = owner;
    if (table.problem !== undefined) throw new SqlSyntaxError(`table ${tableName}: ${table.problem}`);
    const index = sql === null ? { unique: true, partial: false } : parseCreateIndex(sql);
    const fields =
      "columns" in index
        ? owner.resolve(index.columns)
        : owner.automatic[Number(/_(\d+)$/.exec(name)?.[1]) - 1];
    if (fields === undefined) throw new SqlSyntaxError(`expected a constraint for ${name}`);
    const rowid: IndexField = { column: undefined, collation: "BINARY", descending: false };
    const readKey = () => (table.withoutRowid ? withMissing(fields, table.key) : [...fields, rowid]);
    return { unique: index.unique, partial: index.partial, declared: fields.length, readKey };
  });
  const { readKey, ...facts } = parsed ?? { unique: false, partial: false, declared: 0, readKey: () => [] };
  let key: readonly IndexField[] | undefined;
  return {
    name,
    tableName,
    rootPage,
    sql,
    ...facts,
    problem,
    // Many indexes, each with a long primary key behind its columns, would take far more room than their file.
    get key() {
      key ??= readKey();
      return key;
    },
  };
}
