import { foldName, SqlSyntaxError, type Token, TokenReader, tokenize } from "../sql-tokens.ts";

/** What a statement of the schema makes, by its own words. */
export interface Created {
  readonly type: "table" | "index" | "view" | "trigger";
  readonly name: string;
  /** The table of an index or trigger; of anything else, its name. */
  readonly tableName: string;
  /** The columns that keys and constraints name and the table must have, in lower case. */
  readonly columnsUsed: readonly string[];
}

/** Keywords that SQLite takes for a name nowhere, unless they are quoted. */
const RESERVED = new Set(
  `ADD ALL ALTER AND AS AUTOINCREMENT BETWEEN CASE CHECK COLLATE COMMIT CONSTRAINT CREATE DEFAULT DEFERRABLE DELETE
  DISTINCT DROP ELSE ESCAPE EXCEPT EXISTS FOREIGN FROM GROUP HAVING IN INDEX INSERT INTERSECT INTO IS ISNULL JOIN LIMIT
  NOT NOTHING NOTNULL NULL ON OR ORDER PRIMARY REFERENCES RETURNING SELECT SET TABLE THEN TO TRANSACTION UNION UNIQUE
  UPDATE USING VALUES WHEN WHERE`.split(/\s+/),
);

/** Words that are values rather than columns. */
const VALUES = /^(NULL|TRUE|FALSE|CURRENT_(DATE|TIME|TIMESTAMP))$/;

/**
 * Reads a statement of `sqlite_schema` as strictly as SQLite does when it opens a database: every clause of CREATE TABLE
 * and CREATE INDEX. What stands in the brackets of an expression must be tokens of SQL in balanced brackets, no more.
 * Of views and triggers only the beginning is read, of virtual tables no argument.
 * @throws {SqlSyntaxError} at the first word that SQLite would not accept
 */
export function readStatement(sql: string): Created {
  checkTokens(tokenize(sql));
  return new StatementGrammar(sql).read();
}

class StatementGrammar {
  readonly #reader: TokenReader;
  readonly #used: string[] = [];

  constructor(sql: string) {
    this.#reader = new TokenReader(sql);
  }

  read(): Created {
    const reader = this.#reader;
    reader.expect("CREATE");
    if (reader.accept("UNIQUE")) {
      reader.expect("INDEX");
      return this.#index();
    }
    if (reader.accept("INDEX")) return this.#index();
    if (reader.accept("VIRTUAL")) {
      reader.expect("TABLE");
      const name = this.#newName();
      reader.expect("USING");
      return this.#created("table", name);
    }
    this.#oneOf("TEMP", "TEMPORARY");
    if (reader.accept("VIEW")) return this.#created("view", this.#newName());
    if (reader.accept("TRIGGER")) return this.#trigger();
    reader.expect("TABLE");
    return this.#table();
  }

  #created(type: Created["type"], name: string, tableName = name): Created {
    return { type, name, tableName, columnsUsed: this.#used };
  }

  #trigger(): Created {
    const reader = this.#reader;
    const name = this.#newName();
    if (reader.accept("INSTEAD")) reader.expect("OF");
    else this.#oneOf("BEFORE", "AFTER");
    if (!this.#oneOf("DELETE", "INSERT")) {
      reader.expect("UPDATE");
      if (reader.accept("OF")) this.#list(() => this.#name());
    }
    reader.expect("ON");
    const table = this.#name();
    return this.#created("trigger", name, reader.accept(".") ? this.#name() : table);
  }

  #index(): Created {
    const reader = this.#reader;
    const name = this.#newName();
    reader.expect("ON");
    const tableName = this.#name();
    this.#sorted();
    if (reader.accept("WHERE")) this.#expression(/^\)$/);
    this.#end();
    return this.#created("index", name, tableName);
  }

  #table(): Created {
    const reader = this.#reader;
    const name = this.#newName();
    reader.expect("(");
    this.#column();
    let hasConstraint = false;
    while (reader.token.upper !== ")") {
      const hasComma = reader.accept(",");
      if (!hasComma && !hasConstraint) throw reader.unexpected(")");
      if (this.#tableConstraint()) hasConstraint = true;
      else if (hasConstraint) throw reader.unexpected("a constraint");
      else this.#column();
    }
    reader.expect(")");
    if (reader.token.kind !== "end") this.#list(() => this.#tableOption());
    this.#end();
    return this.#created("table", name);
  }

  #tableOption(): void {
    if (this.#reader.accept("WITHOUT")) this.#reader.expect("ROWID");
    else this.#reader.expect("STRICT");
  }

  #column(): void {
    this.#name();
    while (this.#isName()) this.#reader.next();
    if (this.#reader.token.upper === "(") {
      this.#reader.expect("(");
      this.#number();
      if (this.#reader.accept(",")) this.#number();
      this.#reader.expect(")");
    }
    while (this.#columnConstraint());
  }

  #number(): void {
    this.#oneOf("+", "-");
    const token = this.#reader.next();
    if (token.kind !== "number") throw this.#reader.unexpected("a number", token);
  }

  #columnConstraint(): boolean {
    const reader = this.#reader;
    if (reader.accept("CONSTRAINT")) this.#name();
    else if (reader.accept("DEFAULT")) this.#default();
    else if (reader.accept("NULL") || reader.accept("UNIQUE")) this.#onConflict();
    else if (reader.accept("NOT")) {
      if (reader.accept("DEFERRABLE")) this.#initially();
      else {
        reader.expect("NULL");
        this.#onConflict();
      }
    } else if (reader.accept("PRIMARY")) {
      reader.expect("KEY");
      this.#oneOf("ASC", "DESC");
      this.#onConflict();
      reader.accept("AUTOINCREMENT");
    } else if (reader.accept("CHECK")) this.#bracketed();
    else if (reader.token.upper === "REFERENCES") this.#references();
    else if (reader.accept("DEFERRABLE")) this.#initially();
    else if (reader.accept("COLLATE")) this.#name();
    else if (reader.accept("GENERATED")) {
      reader.expect("ALWAYS");
      reader.expect("AS");
      this.#generated();
    } else if (reader.accept("AS")) this.#generated();
    else return false;
    return true;
  }

  #tableConstraint(): boolean {
    const reader = this.#reader;
    if (reader.accept("CONSTRAINT")) this.#name();
    else if (reader.accept("PRIMARY")) {
      reader.expect("KEY");
      this.#sorted();
      this.#onConflict();
    } else if (reader.accept("UNIQUE")) {
      this.#sorted();
      this.#onConflict();
    } else if (reader.accept("CHECK")) {
      this.#bracketed();
      this.#onConflict();
    } else if (reader.accept("FOREIGN")) {
      reader.expect("KEY");
      reader.expect("(");
      this.#list(() => this.#used.push(foldName(this.#name())));
      reader.expect(")");
      this.#references();
      if (reader.accept("NOT")) {
        reader.expect("DEFERRABLE");
        this.#initially();
      } else if (reader.accept("DEFERRABLE")) this.#initially();
    } else return false;
    return true;
  }

  #default(): void {
    const reader = this.#reader;
    if (reader.token.upper === "(") {
      this.#bracketed();
      return;
    }
    const isSigned = this.#oneOf("+", "-");
    const { kind, upper } = reader.token;
    const isValue = kind === "number" || kind === "string" || kind === "blob" || VALUES.test(upper);
    if (!isValue && (isSigned || !this.#isName())) throw reader.unexpected("a value");
    reader.next();
  }

  #generated(): void {
    this.#bracketed();
    this.#oneOf("STORED", "VIRTUAL");
  }

  #references(): void {
    const reader = this.#reader;
    reader.expect("REFERENCES");
    this.#name();
    if (reader.accept("(")) {
      this.#list(() => this.#name());
      reader.expect(")");
    }
    for (;;) {
      if (reader.accept("MATCH")) this.#name();
      else if (reader.accept("ON")) {
        if (!this.#oneOf("DELETE", "UPDATE", "INSERT")) throw reader.unexpected("DELETE or UPDATE");
        this.#action();
      } else return;
    }
  }

  #action(): void {
    const reader = this.#reader;
    if (reader.accept("NO")) reader.expect("ACTION");
    else if (reader.accept("SET")) {
      if (!this.#oneOf("NULL", "DEFAULT")) throw reader.unexpected("NULL or DEFAULT");
    } else if (!this.#oneOf("CASCADE", "RESTRICT")) throw reader.unexpected("an action");
  }

  #initially(): void {
    if (this.#reader.accept("INITIALLY") && !this.#oneOf("DEFERRED", "IMMEDIATE")) {
      throw this.#reader.unexpected("DEFERRED or IMMEDIATE");
    }
  }

  #onConflict(): void {
    if (!this.#reader.accept("ON")) return;
    this.#reader.expect("CONFLICT");
    if (!this.#oneOf("ROLLBACK", "ABORT", "FAIL", "IGNORE", "REPLACE")) {
      throw this.#reader.unexpected("a way to resolve conflicts");
    }
  }

  /** The columns of a key or index, in brackets. */
  #sorted(): void {
    const reader = this.#reader;
    reader.expect("(");
    this.#list(() => {
      const [first, second] = this.#expression(/^(,|\)|ASC|DESC|NULLS|AUTOINCREMENT)$/);
      // A name in double quotes may be meant as a string, which SQLite once allowed.
      const isColumn = first?.kind === "word" && !VALUES.test(first.upper);
      if (isColumn && (second === undefined || second.upper === "COLLATE"))
        this.#used.push(foldName(first.text));
      this.#oneOf("ASC", "DESC");
      reader.accept("AUTOINCREMENT");
    });
    reader.expect(")");
  }

  /** Passes over an expression. @returns its tokens outside of brackets */
  #expression(end: RegExp): readonly Token[] {
    const reader = this.#reader;
    const tokens: Token[] = [];
    // A column may have the name of a word that ends an expression.
    const ends = (): boolean => (tokens.length === 0 ? /^[,)]$/ : end).test(reader.token.upper);
    while (reader.token.kind !== "end" && !ends()) {
      tokens.push(reader.token);
      if (reader.token.upper === "(") reader.parenthesized();
      else reader.next();
    }
    if (tokens.length === 0) throw reader.unexpected("an expression");
    return tokens;
  }

  #bracketed(): void {
    if (this.#reader.parenthesized().length === 0) throw this.#reader.unexpected("an expression");
  }

  #list(item: () => void): void {
    do item();
    while (this.#reader.accept(","));
  }

  #oneOf(...words: readonly string[]): boolean {
    return words.some((word) => this.#reader.accept(word));
  }

  /** A name without that of its database, which a schema never has. */
  #newName(): string {
    const reader = this.#reader;
    if (reader.accept("IF")) {
      reader.expect("NOT");
      reader.expect("EXISTS");
    }
    const name = this.#name();
    if (reader.token.upper === ".") throw reader.unexpected("a name alone");
    return name;
  }

  #isName(): boolean {
    const { kind, upper } = this.#reader.token;
    return (kind === "word" && !RESERVED.has(upper)) || kind === "name" || kind === "string";
  }

  #name(): string {
    if (!this.#isName()) throw this.#reader.unexpected("a name");
    return this.#reader.next().text;
  }

  #end(): void {
    if (this.#reader.token.kind !== "end") throw this.#reader.unexpected("the end");
  }
}

/** Refuses what is no token of SQL at all. */
function checkTokens(tokens: readonly Token[]): void {
  let last: Token | undefined;
  for (const token of tokens) {
    const { kind, text, start } = token;
    const isWrong =
      (kind === "symbol" && !/^[-(),.+*/%=<>!|&~?:@$#]$/.test(text)) ||
      (kind === "blob" && !/^([\da-f]{2})*$/i.test(text)) ||
      (kind === "word" && last?.kind === "number" && last.end === start);
    if (isWrong) throw new SqlSyntaxError(`expected SQL at ${start}, found ${text}`);
    last = token;
  }
}
