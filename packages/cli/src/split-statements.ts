/** The pieces of SQL that matter for finding where a statement ends. */
const TOKEN =
  /(?<blank>\s+|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$))|'[^']*(?:''[^']*)*'?|"[^"]*(?:""[^"]*)*"?|`[^`]*(?:``[^`]*)*`?|\[[^\]]*\]?|(?<word>[\p{L}_][\p{L}\p{N}_$]*)|(?<semicolon>;)|[\s\S]/gu;

const TRIGGER = /^(EXPLAIN (QUERY PLAN )?)?CREATE (TEMP |TEMPORARY )?TRIGGER\b/;
const LONGEST_TRIGGER_START = 6;

/**
 * Cuts SQL text at the semicolons between statements, leaving out statements that are empty or only comments. The
 * semicolons inside strings, quoted names, comments and the body of a trigger do not count; a trigger ends with
 * `; END;`, as for `sqlite3_complete`.
 */
export function splitStatements(sql: string): string[] {
  const statements: string[] = [];
  let begin = 0;
  let firstWords: string[] = [];
  let previous: "nothing" | "semicolon" | "end" | "other" = "nothing";
  const finish = (endExclusive: number): void => {
    if (firstWords.length > 0 || previous !== "nothing")
      statements.push(sql.slice(begin, endExclusive).trim());
    begin = endExclusive + 1;
    firstWords = [];
    previous = "nothing";
  };
  for (const { index, groups } of sql.matchAll(TOKEN)) {
    if (groups?.["blank"] !== undefined) continue;
    if (groups?.["semicolon"] === undefined) {
      const word = groups?.["word"]?.toUpperCase();
      if (word !== undefined && firstWords.length < LONGEST_TRIGGER_START) firstWords.push(word);
      previous = previous === "semicolon" && word === "END" ? "end" : "other";
    } else if (TRIGGER.test(firstWords.join(" ")) && previous !== "end") previous = "semicolon";
    else finish(index);
  }
  finish(sql.length);
  return statements;
}
