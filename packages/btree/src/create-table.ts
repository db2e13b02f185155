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

/** What ends the type of a column. */
const CONSTRAINTS =
  /^(CONSTRAINT|PRIMARY|NOT|NULL|UNIQUE|CHECK|DEFAULT|COLLATE|REFERENCES|GENERATED|AS|ON|DEFERRABLE)$/;
const TABLE_CONSTRAINTS = /^(CONSTRAINT|PRIMARY|UNIQUE|CHECK|FOREIGN)$/;

/** SQLite cannot be built to allow more. */
const MAX_COLUMNS = 32767;

/** A constant, with the text it was written as. */
interface Literal extends Constant {
  readonly spelled: string;
}

interface Draft {
  readonly name: string;
  readonly type: string;
  collation: string;
  notNull: boolean;
  default: Literal | undefined;
  generated: "virtual" | "stored" | undefined;
}

/** Skips `[IF NOT EXISTS] [schema.]` and returns the name. */
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
    while (reader.token.kind !== "end") {
      if (reader.accept("STRICT")) strict = true;
      else if (reader.accept("WITHOUT")) {
        reader.expect("ROWID");
        withoutRowid = true;
      } else reader.expect(",");
    }
    return {
      name,
      columns: this.#columns.map((draft) => finishColumn(draft, strict)),
      constraints: this.#constraints,
      rowidAlias: withoutRowid ? undefined : this.#alias,
      integerKey: this.#alias !== undefined,
      withoutRowid,
      strict,
    };
  }

  /** A column with its constraints, or constraints of the table. */
  #item(): void {
    const reader = this.#reader;
    let draft: Draft | undefined;
    if (!TABLE_CONSTRAINTS.test(reader.token.upper)) {
      const name = reader.name();
      const value: Literal = { value: null, storageClass: "null", spelled: "" };
      draft = {
        name,
        type: this.#type(),
        collation: "BINARY",
        notNull: false,
        default: value,
        generated: undefined,
      };
      if (this.#columns.push(draft) > MAX_COLUMNS) throw new SqlSyntaxError("too many columns");
    }
    while (!/^[,)]$/.test(reader.token.upper)) {
      if (reader.token.upper === "(") reader.parenthesized();
      else this.#constraint(reader.next(), draft);
    }
  }

  #type(): string {
    const reader = this.#reader;
    const first = reader.token;
    let end = first.start;
    while (/word|name|string/.test(reader.token.kind) && !CONSTRAINTS.test(reader.token.upper)) {
      end = reader.next().end;
    }
    if (end > first.start && reader.token.upper === "(") {
      reader.parenthesized();
      end = reader.lastEnd;
    }
    // A type in quotes means what the quotes hold.
    return end === first.end ? first.text : reader.sql.slice(first.start, end);
  }

  /** What a keyword of a constraint is about. What says nothing about storage is passed over, word by word. */
  #constraint(token: Token, draft: Draft | undefined): void {
    const reader = this.#reader;
    switch (token.upper) {
      case "":
        if (token.kind === "end") throw reader.unexpected(")");
        break;
      case "PRIMARY":
      case "UNIQUE":
        this.#key(token.upper === "PRIMARY", draft);
        break;
      case "SET": // ON DELETE SET DEFAULT
        reader.next();
        break;
      case "NOT":
        if (reader.accept("NULL") && draft !== undefined) draft.notNull = true;
        break;
      case "DEFAULT":
        if (draft !== undefined) draft.default = literal(this.#defaultTokens());
        break;
      case "COLLATE":
        if (draft !== undefined) draft.collation = reader.name().toUpperCase();
        break;
      case "AS":
        reader.parenthesized();
        if (draft !== undefined) draft.generated = reader.accept("STORED") ? "stored" : "virtual";
    }
  }

  #key(primary: boolean, draft: Draft | undefined): void {
    const reader = this.#reader;
    if (primary) reader.expect("KEY");
    let columns: readonly IndexedColumn[];
    // A column that says DESC itself is not the row id; in a list that makes no difference.
    let mayAlias = true;
    if (draft === undefined) columns = parseIndexedColumns(reader.parenthesized());
    else {
      const descending = primary && reader.accept("DESC");
      mayAlias = !descending;
      columns = [{ name: draft.name, collation: undefined, descending }];
    }
    if (primary) {
      if (this.#hasPrimaryKey) throw new SqlSyntaxError("more than one PRIMARY KEY");
      this.#hasPrimaryKey = true;
      if (mayAlias && columns.length === 1) columns = this.#aliased(columns);
    }
    this.#constraints.push({ kind: primary ? "primary-key" : "unique", columns });
  }

  /** Notes the row id's other name if the sole column of the primary key is one. */
  #aliased(columns: readonly IndexedColumn[]): readonly IndexedColumn[] {
    const name = foldName(columns[0]?.name ?? "");
    const position = this.#columns.findIndex((column) => foldName(column.name) === name);
    if (!/^integer$/i.test(this.#columns[position]?.type ?? "")) return columns;
    this.#alias = position;
    // Also where it does not become the row id, SQLite forgets a collation written in the key.
    return columns.map((column) => ({ ...column, collation: undefined }));
  }

  #defaultTokens(): readonly Token[] {
    const reader = this.#reader;
    const tokens: Token[] = [];
    while (/^[-+]$/.test(reader.token.upper)) tokens.push(reader.next());
    return reader.token.upper === "(" ? [...tokens, ...reader.parenthesized()] : [...tokens, reader.next()];
  }
}

function finishColumn(draft: Draft, strict: boolean): Column {
  const affinity = affinityOf(draft.type, strict);
  return {
    ...draft,
    affinity,
    default: draft.default && applyAffinity(draft.default, draft.default.spelled, affinity),
  };
}

/** The value of a literal, signed or in brackets. `undefined` for any other expression. */
function literal(tokens: readonly Token[]): Literal | undefined {
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
  if (token === undefined || (sign !== "" && token.kind !== "number")) return undefined;
  const { kind, text, upper } = token;
  const spelled = sign + (kind === "number" ? text.replaceAll("_", "") : text);
  const plain = (value: Constant["value"], storageClass: Constant["storageClass"]): Literal => ({
    value,
    storageClass,
    spelled,
  });
  if (kind === "number") {
    const constant = parseNumber(spelled);
    return constant && { ...constant, spelled };
  }
  if (kind === "blob") {
    if (!/^(?:[\da-f]{2})*$/i.test(text)) throw new SqlSyntaxError(`expected a blob, found ${text}`);
    return plain(
      Uint8Array.from(text.match(/../g) ?? [], (digits) => Number.parseInt(digits, 16)),
      "blob",
    );
  }
  if (upper === "NULL") return plain(null, "null");
  if (upper === "TRUE" || upper === "FALSE") return plain(upper === "TRUE" ? 1 : 0, "integer");
  return upper.startsWith("CURRENT_") || kind === "symbol" || kind === "end"
    ? undefined
    : plain(text, "text");
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
