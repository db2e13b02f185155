import { pragmaEffect } from "./sql-pragmas.ts";
import { type SqlToken, sqlTokens } from "./sql-tokens.ts";

/** What SQL text would do, told from its words alone. */
export interface SqlInspection {
  /** True if it cannot change the database nor open a transaction. When in doubt, false. */
  readonly readsOnly: boolean;
  /** Whether the first statement is an EXPLAIN. */
  readonly isExplain: boolean;
  /** Whether a statement opens a transaction: BEGIN or SAVEPOINT. */
  readonly begins: boolean;
  /** Why it must not be run; `undefined` if it may. */
  readonly refusal: string | undefined;
}

const READING = new Set(["SELECT", "VALUES"]);
const WRITING = new Set(["INSERT", "REPLACE", "UPDATE", "DELETE"]);

/**
 * Looks at SQL text, of one statement or several.
 *
 * Every `;` outside of quotes counts as the end of a statement, also those inside a trigger's body. That finds more
 * statements than there are and misses none, which is the safe side: no statement of a trigger is refused, and a
 * CREATE TRIGGER writes anyway.
 */
export function inspectSql(sql: string): SqlInspection {
  let readsOnly = true;
  let isExplain = false;
  let begins = false;
  let refusal: string | undefined;
  let first = true;
  let statement: SqlToken[] = [];
  const end = (): void => {
    if (statement.length > 0) {
      const word = wordAt(statement, 0);
      if (first) isExplain = word === "EXPLAIN";
      first = false;
      begins ||= word === "BEGIN" || word === "SAVEPOINT";
      const effect = effectOf(statement);
      if (effect !== "read") readsOnly = false;
      if (effect !== "read" && effect !== "write") refusal ??= effect.refused;
    }
    statement = [];
  };
  for (const token of sqlTokens(sql)) {
    if (token.text === ";" && token.kind === "other") end();
    // A statement is known by its beginning; only a CTE hides its verb further on.
    else if (statement.length < 12 || wordAt(statement, 0) === "WITH") statement.push(token);
  }
  end();
  return { readsOnly, isExplain, begins, refusal };
}

function effectOf(statement: readonly SqlToken[]): "read" | "write" | { readonly refused: string } {
  const word = wordAt(statement, 0);
  switch (word) {
    case "EXPLAIN": {
      // It does not run the statement, but some PRAGMAs act as soon as they are compiled.
      const explained = statement.slice(wordAt(statement, 1) === "QUERY" ? 3 : 1);
      const effect = explained.length === 0 ? "read" : effectOf(explained);
      return effect === "write" && wordAt(explained, 0) !== "PRAGMA" ? "read" : effect;
    }
    case "WITH": {
      const verb = statement.find(({ kind, text, depth }) => {
        const upper = text.toUpperCase();
        return kind === "word" && depth === 0 && (READING.has(upper) || WRITING.has(upper));
      });
      return verb !== undefined && READING.has(verb.text.toUpperCase()) ? "read" : "write";
    }
    case "ATTACH":
    case "DETACH":
      return { refused: `${word} is not authorized: a stream has the one database it was opened on` };
    case "VACUUM":
      return statement.some((_, i) => wordAt(statement, i) === "INTO")
        ? { refused: "VACUUM INTO is not authorized: it writes another file" }
        : "write";
    case "PRAGMA":
      return pragmaOf(statement);
    default:
      return READING.has(word) ? "read" : "write";
  }
}

function pragmaOf(statement: readonly SqlToken[]): "read" | "write" | { readonly refused: string } {
  const at = statement[2]?.text === "." ? 3 : 1;
  const name = statement[at]?.text ?? "";
  const argument = statement[at + 1] === undefined ? undefined : (statement[at + 2]?.text ?? "");
  const effect = pragmaEffect(name, argument);
  if (effect !== "refused") return effect;
  return { refused: `PRAGMA ${name}${argument === undefined ? "" : " with a value"} is not authorized` };
}

function wordAt(statement: readonly SqlToken[], at: number): string {
  const token = statement[at];
  return token?.kind === "word" ? token.text.toUpperCase() : "";
}

/** The parameters of a statement in SQLite's numbering: names with their sign, null for a plain `?` and for a gap. */
export function sqlParameters(sql: string): (string | null)[] {
  const names: (string | null)[] = [];
  for (const { kind, text } of sqlTokens(sql)) {
    if (kind !== "parameter") continue;
    if (text === "?") names.push(null);
    else if (text.startsWith("?")) {
      const number = Number(text.slice(1));
      if (number < 1 || number > 32_766) continue;
      while (names.length < number) names.push(null);
      names[number - 1] = text;
    } else if (!names.includes(text)) names.push(text);
  }
  return names;
}
