import { type Token, tokenize } from "@lacuna/btree";
import { quoteName } from "./quote-name.ts";

/** A statement on the schema that can be repeated where it may have been run already, by whomever. */
export interface SchemaStatement {
  readonly sql: string;
  readonly only?: { readonly probe: string; readonly when: "ok" | "error" } | undefined;
}

const CREATED = new Set(["TABLE", "INDEX", "VIEW", "TRIGGER"]);

/**
 * Makes a statement on the schema repeatable: CREATE gets IF NOT EXISTS, DROP gets IF EXISTS, and ALTER TABLE, which has no
 * such words, is told by a query whether it is still to be done. Any other statement stays as it is.
 */
export function schemaStatement(sql: string): SchemaStatement {
  const tokens = tokensOf(sql);
  switch (tokens[0]?.upper) {
    case "CREATE":
      return { sql: created(sql, tokens) };
    case "DROP":
      return { sql: tokens[2]?.upper === "IF" ? sql : inserted(sql, tokens[1], "IF EXISTS") };
    case "ALTER":
      return { sql, only: alteration(tokens) };
    default:
      return { sql };
  }
}

/** No tokens where the text is not understood: SQLite itself will say what is wrong with it. */
function tokensOf(sql: string): Token[] {
  try {
    return tokenize(sql);
  } catch {
    return [];
  }
}

function created(sql: string, tokens: readonly Token[]): string {
  const at = tokens.findIndex(({ upper }, i) => i > 0 && i < 4 && CREATED.has(upper));
  if (at < 0 || tokens[at + 1]?.upper === "IF") return sql;
  return inserted(sql, tokens[at], "IF NOT EXISTS");
}

function inserted(sql: string, after: Token | undefined, words: string): string {
  return after === undefined ? sql : `${sql.slice(0, after.end)} ${words}${sql.slice(after.end)}`;
}

/** ALTER TABLE [schema.]table ADD | DROP | RENAME ... */
function alteration(tokens: readonly Token[]): SchemaStatement["only"] {
  let at = 2;
  if (tokens[at + 1]?.upper === ".") at += 2;
  const table = quoteName(tokens[at]?.text ?? "");
  const verb = tokens[at + 1]?.upper;
  at += 2;
  if (verb === "RENAME" && tokens[at]?.upper === "TO") {
    return { probe: `SELECT 1 FROM ${table} LIMIT 0`, when: "ok" };
  }
  if (tokens[at]?.upper === "COLUMN") at++;
  // Qualified, since SQLite takes a quoted name that is no column for a string.
  const probe = `SELECT ${table}.${quoteName(tokens[at]?.text ?? "")} FROM ${table} LIMIT 0`;
  if (verb === "ADD") return { probe, when: "error" };
  return verb === "DROP" || verb === "RENAME" ? { probe, when: "ok" } : undefined;
}
