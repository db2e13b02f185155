/** The first word of some SQL in capitals, behind white space, semicolons and comments; empty if there is none. */
export function firstWord(sql: string): string {
  let at = 0;
  while (at < sql.length) {
    if (/[\s;\ufeff]/.test(sql.charAt(at))) at++;
    else if (sql.startsWith("--", at)) at = behind(sql, "\n", at + 2);
    else if (sql.startsWith("/*", at)) at = behind(sql, "*/", at + 2);
    else break;
  }
  return /^[a-z]*/i.exec(sql.slice(at, at + 16))?.[0].toUpperCase() ?? "";
}

function behind(sql: string, mark: string, from: number): number {
  const found = sql.indexOf(mark, from);
  return found < 0 ? sql.length : found + mark.length;
}
