import { type Affinity, affinityOf, applyAffinity, type Constant, parseNumber } from "./affinity.ts";
import { foldName, SqlSyntaxError, type Token, TokenReader } from "./sql-tokens.ts";

/** A column as CREATE TABLE declares it. */
export interface Column {
  readonly name: string;
  /** The declared type as written; empty if there is none. */
  readonly type: string;
  readonly affinity: Affinity;
  /** The collation in capitals, `BINARY` where none is declared. */
  readonly collation: string;
  readonly notNull: boolean;
  /**
   * What a row reads as that was stored before the column was added. NULL where none is declared, `undefined` for an
   * expression that is no literal: ALTER TABLE ADD COLUMN does not take those.
   */
  readonly default: Constant | undefined;
  /** How it is generated; a virtual one is not stored. */
  readonly generated: "virtual" | "stored" | undefined;
}

/** A column in a PRIMARY KEY or UNIQUE constraint, or in an index. */
export interface IndexedColumn {
  /** `undefined` for an expression. */
  readonly name: string | undefined;
  /** In capitals; `undefined` where that of the column applies. */
  readonly collation: string | undefined;
  readonly descending: boolean;
}

/** A constraint that SQLite backs with an index. */
export interface KeyConstraint {
  readonly kind: "primary-key" | "unique";
  readonly columns: readonly IndexedColumn[];
}

/** What a CREATE TABLE statement says about how rows are stored. */
export interface ParsedTable {
  readonly name: string;
  readonly columns: readonly Column[];
  /** In the order written, which numbers the automatic indexes. */
  readonly constraints: readonly KeyConstraint[];
  /** Position of the column that is another name for the row id. */
  readonly rowidAlias: number | undefined;
  /** True if the primary key is one INTEGER column, which only WITHOUT ROWID keeps from being the row id. */
  readonly integerKey: boolean;
  readonly withoutRowid: boolean;
  readonly strict: boolean;
}

const NULL: Constant = { value: null, storageClass: "null" };
const COLUMN_CONSTRAINTS =
  /^(CONSTRAINT|PRIMARY|NOT|NULL|UNIQUE|CHECK|DEFAULT|COLLATE|REFERENCES|GENERATED|AS|ON|DEFERRABLE|INITIALLY|MATCH)$/;
const TABLE_CONSTRAINTS = /^(CONSTRAINT|PRIMARY|UNIQUE|CHECK|FOREIGN)$/;

/** SQLite cannot be built to allow more. */
const MAX_COLUMNS = 32767;

interface Draft {
  name: string;
  type: string;
  collation: string;
  notNull: boolean;
  default: { constant: Constant; spelled: string } | undefined;
  generated: "virtual" | "stored" | undefined;
}

/** Skips `CREATE [TEMP] kind [IF NOT EXISTS] [schema.]` and returns the name. */
export function createdName(reader: TokenReader): string {
  if (reader.accept("IF")) {
    reader.expect("NOT");
    reader.expect("EXISTS");
  }
  const name = reader.name();
  return reader.accept(".") ? reader.name() : name;
}

/**
 * Reads a CREATE TABLE statement as SQLite stores it. Only what decides how rows are stored is understood; checks,
 * references and expressions are skipped.
 * @throws {SqlSyntaxError} if it is not understood
 */
export function parseCreateTable(sql: string): ParsedTable {
  return new TableParser(sql).parse();
}

class TableParser {
  readonly #reader: TokenReader;
  readonly #columns: Draft[] = [];
  readonly #constraints: KeyConstraint[] = [];
  /** Position of a sole key column that may be the row id, if its type is INTEGER. */
  #alias: number | undefined;
  #hasPrimaryKey = false;

  constructor(sql: string) {
    this.#reader = new TokenReader(sql);
  }

  parse(): ParsedTable {
    const reader = this.#reader;
    reader.expect("CREATE");
    if (!reader.accept("TEMP")) reader.accept("TEMPORARY");
    reader.expect("TABLE");
    const name = createdName(reader);
    reader.expect("(");
    do this.#item();
    while (reader.accept(","));
    reader.expect(")");
    let withoutRowid = false;
    let strict = false;
    while (reader.token.kind !== "end" && !reader.accept(";")) {
      if (reader.accept("STRICT")) strict = true;
      else if (reader.accept("WITHOUT")) {
        if (foldName(reader.name()) !== "rowid") throw reader.unexpected("ROWID");
        withoutRowid = true;
      } else reader.expect(",");
    }
    const rowidAlias = withoutRowid ? undefined : this.#alias;
    return {
      name,
      columns: this.#columns.map((draft) => finishColumn(draft, strict)),
      constraints: this.#constraints,
      rowidAlias,
      integerKey: this.#alias !== undefined,
      withoutRowid,
      strict,
    };
  }

  /** A column with its constraints, or constraints of the table, which need no comma between them. */
  #item(): void {
    const { token } = this.#reader;
    if (token.kind !== "word" || !TABLE_CONSTRAINTS.test(token.upper)) {
      this.#column();
      return;
    }
    while (TABLE_CONSTRAINTS.test(this.#reader.token.upper)) this.#tableConstraint();
  }

  #column(): void {
    const reader = this.#reader;
    const draft: Draft = {
      name: reader.name(),
      type: this.#type(),
      collation: "BINARY",
      notNull: false,
      default: { constant: NULL, spelled: "" },
      generated: undefined,
    };
    if (this.#columns.push(draft) > MAX_COLUMNS)
      throw new SqlSyntaxError(`expected at most ${MAX_COLUMNS} columns`);
    while (COLUMN_CONSTRAINTS.test(reader.token.upper)) this.#columnConstraint(draft, reader.next().upper);
  }

  #type(): string {
    const reader = this.#reader;
    const first = reader.token;
    let end = first.start;
    while (/word|name|string/.test(reader.token.kind) && !COLUMN_CONSTRAINTS.test(reader.token.upper)) {
      end = reader.next().end;
    }
    if (end > first.start && reader.token.upper === "(") {
      reader.parenthesized();
      end = reader.lastEnd;
    }
    // A type in quotes means what the quotes hold.
    return end === first.end ? first.text : reader.sql.slice(first.start, end);
  }

  #columnConstraint(draft: Draft, keyword: string): void {
    const reader = this.#reader;
    const column = { name: draft.name, collation: undefined, descending: false };
    switch (keyword) {
      case "CONSTRAINT":
      case "MATCH":
      case "INITIALLY":
        reader.name();
        break;
      case "PRIMARY": {
        reader.expect("KEY");
        const descending = reader.accept("DESC");
        if (!descending) reader.accept("ASC");
        this.#skipConflict();
        reader.accept("AUTOINCREMENT");
        this.#primaryKey([{ ...column, descending }], !descending);
        break;
      }
      case "NOT":
        if (reader.accept("NULL")) draft.notNull = true;
        else reader.expect("DEFERRABLE");
        break;
      case "UNIQUE":
        this.#constraints.push({ kind: "unique", columns: [column] });
        break;
      case "CHECK":
        reader.parenthesized();
        break;
      case "DEFAULT":
        draft.default = this.#default();
        break;
      case "COLLATE":
        draft.collation = reader.name().toUpperCase();
        break;
      case "REFERENCES":
        reader.name();
        if (reader.token.upper === "(") reader.parenthesized();
        break;
      case "GENERATED":
      case "AS":
        if (keyword === "GENERATED") {
          reader.expect("ALWAYS");
          reader.expect("AS");
        }
        reader.parenthesized();
        draft.generated = reader.accept("STORED") ? "stored" : "virtual";
        reader.accept("VIRTUAL");
        break;
      case "ON":
        this.#skipAction();
        break;
      default: // NULL and DEFERRABLE say nothing about storage.
    }
  }

  /** After ON: `CONFLICT x`, or `DELETE` or `UPDATE` and what to do, which may be `SET DEFAULT` or `SET NULL`. */
  #skipAction(): void {
    this.#reader.next();
    const { upper } = this.#reader.next();
    if (upper === "SET" || upper === "NO") this.#reader.next();
  }

  #skipConflict(): void {
    if (this.#reader.accept("ON")) this.#skipAction();
  }

  #tableConstraint(): void {
    const reader = this.#reader;
    const keyword = reader.next().upper;
    if (keyword === "CONSTRAINT") reader.name();
    else if (keyword === "CHECK") {
      reader.parenthesized();
      this.#skipConflict();
    } else if (keyword === "FOREIGN") {
      reader.expect("KEY");
      reader.parenthesized();
      while (COLUMN_CONSTRAINTS.test(reader.token.upper) && !TABLE_CONSTRAINTS.test(reader.token.upper)) {
        this.#columnConstraint({ ...EMPTY }, reader.next().upper);
      }
    } else {
      if (keyword === "PRIMARY") reader.expect("KEY");
      const columns = parseIndexedColumns(reader.parenthesized());
      this.#skipConflict();
      if (keyword === "PRIMARY") this.#primaryKey(columns, true);
      else this.#constraints.push({ kind: "unique", columns });
    }
  }

  /** @param mayAlias whether a single INTEGER column would be the row id: not if the column itself says DESC */
  #primaryKey(columns: readonly IndexedColumn[], mayAlias: boolean): void {
    if (this.#hasPrimaryKey) throw new SqlSyntaxError("more than one PRIMARY KEY");
    this.#hasPrimaryKey = true;
    let key = columns;
    const [only] = columns;
    if (columns.length === 1 && only?.name !== undefined && mayAlias) {
      const name = foldName(only.name);
      const position = this.#columns.findIndex((column) => foldName(column.name) === name);
      if (/^integer$/i.test(this.#columns[position]?.type ?? "")) {
        this.#alias = position;
        // Also where it does not become the row id, SQLite forgets a collation written in the key.
        key = [{ ...only, collation: undefined }];
      }
    }
    this.#constraints.push({ kind: "primary-key", columns: key });
  }

  #default(): Draft["default"] {
    const reader = this.#reader;
    if (reader.token.upper === "(") {
      const tokens = reader.parenthesized();
      return literal(tokens);
    }
    const tokens: Token[] = [];
    while (reader.token.upper === "-" || reader.token.upper === "+") tokens.push(reader.next());
    if (reader.token.upper === "(") tokens.push(...reader.parenthesized());
    else tokens.push(reader.next());
    return literal(tokens);
  }
}

const EMPTY: Draft = {
  name: "",
  type: "",
  collation: "BINARY",
  notNull: false,
  default: undefined,
  generated: undefined,
};

function finishColumn(draft: Draft, strict: boolean): Column {
  const { name, type, collation, notNull, generated } = draft;
  const affinity = affinityOf(type, strict);
  const fallback = draft.default && applyAffinity(draft.default.constant, draft.default.spelled, affinity);
  return { name, type, affinity, collation, notNull, default: fallback, generated };
}

/** The value of a literal, signed or in brackets. `undefined` for any other expression. */
function literal(tokens: readonly Token[]): Draft["default"] {
  let first = 0;
  let last = tokens.length - 1;
  let sign = "";
  for (; first < last; first++) {
    const { upper } = tokens[first] as Token;
    if (upper === "(" && tokens[last]?.upper === ")") last--;
    else if (upper === "-") sign = sign === "-" ? "" : "-";
    else if (upper !== "+") return undefined;
  }
  const token = tokens[first];
  if (token === undefined) return undefined;
  const { kind, text, upper } = token;
  if (kind === "number") {
    const constant = parseNumber(sign + text);
    return constant && { constant, spelled: sign + text };
  }
  if (sign !== "") return undefined;
  const plain = (value: Constant["value"], storageClass: Constant["storageClass"]): Draft["default"] => ({
    constant: { value, storageClass },
    spelled: text,
  });
  if (kind === "blob") {
    if (!/^(?:[\da-f]{2})*$/i.test(text)) throw new SqlSyntaxError(`expected a blob, found ${text}`);
    return plain(
      Uint8Array.from(text.match(/../g) ?? [], (digits) => Number.parseInt(digits, 16)),
      "blob",
    );
  }
  if (upper === "NULL") return plain(null, "null");
  if (upper === "TRUE" || upper === "FALSE") return plain(upper === "TRUE" ? 1 : 0, "integer");
  if (upper.startsWith("CURRENT_") || kind === "symbol" || kind === "end") return undefined;
  return plain(text, "text");
}

/** The columns of an index or key: what stands between its brackets. */
export function parseIndexedColumns(tokens: readonly Token[]): IndexedColumn[] {
  const parts: Token[][] = [[]];
  let depth = 0;
  for (const token of tokens) {
    if (token.upper === "(") depth++;
    else if (token.upper === ")") depth--;
    if (token.upper === "," && depth === 0) parts.push([]);
    else parts.at(-1)?.push(token);
  }
  return parts.map((part) => {
    const descending = part.at(-1)?.upper === "DESC";
    if (descending || part.at(-1)?.upper === "ASC") part.pop();
    let collation: string | undefined;
    // The last one written is the outermost and wins. After an operator it is only about the operand.
    while (part.at(-2)?.upper === "COLLATE" && isOperand(part.slice(0, -2))) {
      const [, name] = part.splice(-2);
      collation ??= name?.text.toUpperCase();
    }
    let first = 0;
    while (part[first]?.upper === "(" && part.at(-1 - first)?.upper === ")") first++;
    const token = part[first];
    const isName =
      part.length === 2 * first + 1 && token !== undefined && /word|name|string/.test(token.kind);
    return { name: isName ? token.text : undefined, collation, descending };
  });
}

/** True for a name or literal, a call, an expression in brackets, and CASE ... END. */
function isOperand(tokens: readonly Token[]): boolean {
  if (tokens.length < 2) return true;
  if (tokens[0]?.upper === "CASE") return tokens.at(-1)?.upper === "END";
  let depth = 0;
  const open = tokens[0]?.upper === "(" ? 0 : 1;
  return tokens.every(({ upper }, at) => {
    if (upper === "(") depth++;
    else if (upper === ")") depth--;
    return at < open || depth > 0 === at < tokens.length - 1;
  });
}
