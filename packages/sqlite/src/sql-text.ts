/**
 * What a statement needs to run, told from its text alone, so that calls keep their order without waiting for a
 * compilation.
 *
 * - `read`: may run on any instance. If the compiled statement turns out to write, it is passed on.
 * - `setting`: a PRAGMA or anything else that must run on the primary instance, but leaves what is read alone.
 * - `session`: may begin a transaction, write, or change what later statements see.
 */
export type StatementKind = "read" | "setting" | "session";

const READS = new Set(["SELECT", "VALUES", "WITH", "EXPLAIN"]);

/** Functions whose answer depends on the instance: on its last write, on its settings. */
const OF_SESSION = /\b(?:last_insert_rowid|changes|total_changes)\s*\(|\bpragma_\w/i;
const WRITES = /\b(?:INSERT|UPDATE|DELETE|REPLACE)\b/i;

export function kindOfStatement(sql: string): StatementKind {
  const start = skipBlank(sql, 0);
  const word = /^[a-z]+/i.exec(sql.slice(start, start + 16))?.[0].toUpperCase() ?? "";
  if (word === "PRAGMA") return sql.includes("=") || sql.includes("(") ? "session" : "setting";
  if (!READS.has(word)) return "session";
  if (word === "WITH" && WRITES.test(sql)) return "session";
  return OF_SESSION.test(sql) ? "setting" : "read";
}

/**
 * A statement in place of a PRAGMA that has to do with how a file is written. It answers as a database with a write-ahead
 * log does: that is how pages are kept, whatever an instance of SQLite is told.
 */
export function substituteFor(sql: string): string | undefined {
  const name = /^\s*PRAGMA\s+(?:main\s*\.\s*)?(journal_mode|locking_mode)\b[^;]*;?\s*$/i.exec(sql)?.[1];
  if (name === undefined) return undefined;
  return name.toLowerCase() === "journal_mode"
    ? "SELECT 'wal' AS journal_mode"
    : "SELECT 'normal' AS locking_mode";
}

/** True for a statement that may insert, update or delete rows, and does nothing else. */
export function changesRows(sql: string): boolean {
  return /^(?:INSERT|UPDATE|DELETE|REPLACE|WITH)\b/i.test(sql.slice(skipBlank(sql, 0)));
}

/** Settings of an instance that change what a read gives, or how. */
const READ_SETTINGS =
  /\bPRAGMA\s+(?:main\s*\.\s*)?(?:case_sensitive_like|reverse_unordered_selects|(?:short|full)_column_names|automatic_index|cache_size|cell_size_check|trusted_schema)\s*[=(][^;]*/gi;

/** The settings in some SQL that every instance has to take over. */
export function readSettings(sql: string): string[] {
  return sql.match(READ_SETTINGS) ?? [];
}

/** True if some SQL may create or drop temporary tables or attach or detach a database. */
export function namesOtherDatabase(sql: string): boolean {
  return /\b(?:temp|temporary|attach|detach)\b/i.test(sql);
}

/** The position of the first character that is not white space, a semicolon or in a comment; the length if there is none. */
export function skipBlank(sql: string, from: number): number {
  let at = from;
  while (at < sql.length) {
    if (/[\s;\ufeff]/.test(sql[at] as string)) at++;
    else if (sql.startsWith("--", at)) at = endOf(sql, "\n", at + 2);
    else if (sql.startsWith("/*", at)) at = endOf(sql, "*/", at + 2);
    else break;
  }
  return at;
}

function endOf(sql: string, mark: string, from: number): number {
  const found = sql.indexOf(mark, from);
  return found < 0 ? sql.length : found + mark.length;
}
