/** A piece of SQL text, as far as it matters to somebody who looks at statements from outside. */
export interface SqlToken {
  readonly kind: "word" | "quoted" | "parameter" | "other";
  /** As it stands in the text; a quoted one without its quotes. */
  readonly text: string;
  /** How many parentheses are open around it. */
  readonly depth: number;
}

const SPACE = /[\s\ufeff]/;
const WORD_START = /[A-Za-z_\u0080-\uffff]/;
const WORD = /[\w$\u0080-\uffff]+/y;
const PARAMETER = /\?\d*|[:@#$][\w$\u0080-\uffff:]+(\([^)\s]*\))?/y;
const NUMBER = /\.?\d[\w.]*/y;
const CLOSING: Readonly<Record<string, string>> = { "'": "'", '"': '"', "`": "`", "[": "]" };

/** The tokens of SQL text, comments and white space left out. Never fails: what SQLite would refuse is cut up somehow. */
export function* sqlTokens(sql: string): Generator<SqlToken, void, undefined> {
  let depth = 0;
  for (let at = 0; at < sql.length; ) {
    const char = sql[at] ?? "";
    if (SPACE.test(char)) {
      at++;
      continue;
    }
    if (char === "-" && sql[at + 1] === "-") {
      at = endOf(sql, "\n", at);
      continue;
    }
    if (char === "/" && sql[at + 1] === "*") {
      at = endOf(sql, "*/", at + 2);
      continue;
    }
    const closing = CLOSING[char];
    if (closing !== undefined) {
      const end = endOfQuoted(sql, closing, at + 1);
      yield { kind: "quoted", text: sql.slice(at + 1, end - 1), depth };
      at = end;
      continue;
    }
    const parameter = match(PARAMETER, sql, at);
    if (parameter !== undefined) {
      yield { kind: "parameter", text: parameter, depth };
      at += parameter.length;
      continue;
    }
    const text = (WORD_START.test(char) ? match(WORD, sql, at) : match(NUMBER, sql, at)) ?? char;
    if (char === ")") depth = Math.max(0, depth - 1);
    yield { kind: WORD_START.test(char) ? "word" : "other", text, depth };
    if (char === "(") depth++;
    if (char === ";") depth = 0;
    at += text.length;
  }
}

function match(pattern: RegExp, sql: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(sql)?.[0];
}

function endOf(sql: string, end: string, from: number): number {
  const found = sql.indexOf(end, from);
  return found < 0 ? sql.length : found + end.length;
}

function endOfQuoted(sql: string, closing: string, from: number): number {
  for (let at = from; ; ) {
    const found = sql.indexOf(closing, at);
    if (found < 0) return sql.length + 1;
    // A doubled quote is one inside the text. Brackets have no such form.
    if (closing === "]" || sql[found + 1] !== closing) return found + 1;
    at = found + 2;
  }
}
