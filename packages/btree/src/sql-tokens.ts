/** Why a CREATE statement could not be read; caught where the schema is put together. */
export class SqlSyntaxError extends Error {}

/** `word`: an unquoted name or keyword. `name`: a quoted one. `end`: after the last token. */
export type TokenKind = "word" | "name" | "string" | "blob" | "number" | "symbol" | "end";

export interface Token {
  readonly kind: TokenKind;
  /** Without quotes; a word in capitals is in `upper`. */
  readonly text: string;
  /** The text in capitals if it is an unquoted word or a symbol, else empty: quoted names are never keywords. */
  readonly upper: string;
  readonly start: number;
  readonly end: number;
}

/** White space or a comment; one that is not closed goes on to the end. Other spaces of Unicode are letters to SQLite. */
const SPACE = /[ \t-\r\ufeff]+|--[^\n]*|\/\*(?:.*?\*\/|.*)/sy;
const WORD = /[a-z_\u0080-\uffff][\w$\u0080-\uffff]*/iy;
const NUMBER = /0x[\da-f_]+|(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:e[+-]?\d[\d_]*)?/iy;
const CLOSING: Readonly<Record<string, string>> = { '"': '"', "'": "'", "`": "`", "[": "]" };

/** Only ASCII letters are equal in both cases, as in SQLite's names. */
export function foldName(name: string): string {
  return name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

function match(pattern: RegExp, sql: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(sql)?.[0];
}

/** The end of quoted text that starts at `start`; a doubled closing quote is part of it. */
function endOfQuote(sql: string, start: number, closing: string): number {
  for (let at = start + 1; ; at += 2) {
    at = sql.indexOf(closing, at);
    if (at < 0) throw new SqlSyntaxError(`unterminated ${sql[start]} at ${start}`);
    if (closing === "]" || sql[at + 1] !== closing) return at + 1;
  }
}

function readToken(sql: string, start: number): Token {
  const token = (kind: TokenKind, text: string, end = start + text.length): Token => {
    const upper = kind === "word" || kind === "symbol" ? text.toUpperCase() : "";
    return { kind, text, upper, start, end };
  };
  const first = sql[start];
  if (first === undefined || first === ";") return token("end", "");
  const closing = CLOSING[first];
  if (closing !== undefined) {
    const end = endOfQuote(sql, start, closing);
    const text = sql.slice(start + 1, end - 1).replaceAll(closing + closing, closing);
    return token(first === "'" ? "string" : "name", text, end);
  }
  if ((first === "x" || first === "X") && sql[start + 1] === "'") {
    const end = endOfQuote(sql, start + 1, "'");
    return token("blob", sql.slice(start + 2, end - 1), end);
  }
  const number = match(NUMBER, sql, start);
  if (number !== undefined) return token("number", number);
  const word = match(WORD, sql, start);
  return word === undefined ? token("symbol", first) : token("word", word);
}

/**
 * The tokens of a statement, without white space and comments, and an `end` after them. As for SQLite, the statement ends
 * at its first semicolon, and the text at a NUL.
 */
export function tokenize(text: string): Token[] {
  const sql = text.replace(/\0.*/s, "");
  const tokens: Token[] = [];
  let at = 0;
  for (;;) {
    const space = match(SPACE, sql, at);
    if (space !== undefined) at += space.length;
    else {
      const token = readToken(sql, at);
      tokens.push(token);
      if (token.kind === "end") return tokens;
      at = token.end;
    }
  }
}

/** A read position in the tokens of one statement. */
export class TokenReader {
  readonly sql: string;
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(sql: string) {
    this.sql = sql;
    this.#tokens = tokenize(sql);
  }

  get token(): Token {
    return this.#tokens[this.#at] as Token;
  }

  /** Where the token taken last ends. */
  get lastEnd(): number {
    return this.#tokens[this.#at - 1]?.end ?? 0;
  }

  next(): Token {
    const token = this.token;
    if (token.kind !== "end") this.#at++;
    return token;
  }

  /** Takes the next token if it is that keyword or symbol. */
  accept(upper: string): boolean {
    if (this.token.upper !== upper) return false;
    this.next();
    return true;
  }

  expect(upper: string): void {
    if (!this.accept(upper)) throw this.unexpected(upper);
  }

  /** A name of something: a word, or text in any quotes. */
  name(): string {
    const token = this.next();
    if (token.kind === "word" || token.kind === "name" || token.kind === "string") return token.text;
    throw this.unexpected("a name", token);
  }

  /** What stands between brackets, the opening one being next. Leaves the closing one behind. */
  parenthesized(): readonly Token[] {
    this.expect("(");
    const start = this.#at;
    for (let depth = 1; ; ) {
      const token = this.next();
      if (token.kind === "end") throw this.unexpected(")", token);
      if (token.upper === "(") depth++;
      else if (token.upper === ")" && --depth === 0) return this.#tokens.slice(start, this.#at - 1);
    }
  }

  unexpected(wanted: string, found: Token = this.token): SqlSyntaxError {
    return new SqlSyntaxError(`expected ${wanted} at ${found.start}, found ${found.text || "the end"}`);
  }
}
