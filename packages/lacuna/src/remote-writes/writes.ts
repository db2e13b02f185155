import { type Token, tokenize } from "@lacuna/btree";

const READING = new Set(["SELECT", "VALUES", "EXPLAIN"]);
const WRITING = new Set(["INSERT", "REPLACE", "UPDATE", "DELETE"]);

/** Whether SQL text may write, or begin or end a transaction, told from the words of its statements. When in doubt, it may. */
export function mayWrite(sql: string): boolean {
  let rest = sql;
  try {
    while (rest !== "") {
      const statement = rest.replace(/^[\s;]+/, "");
      const tokens = tokenize(statement);
      if (statementMayWrite(tokens)) return true;
      // The tokens end where the statement does.
      rest = statement.slice(tokens.at(-1)?.start);
    }
  } catch {
    return true;
  }
  return false;
}

function statementMayWrite(tokens: readonly Token[]): boolean {
  const first = tokens[0]?.upper ?? "";
  if (first === "PRAGMA") return tokens.some(({ upper }) => upper === "=");
  if (first !== "WITH") return !READING.has(first) && tokens[0]?.kind !== "end";
  let depth = 0;
  for (const { upper } of tokens) {
    if (upper === "(") depth++;
    else if (upper === ")") depth--;
    else if (depth === 0 && (READING.has(upper) || WRITING.has(upper))) return WRITING.has(upper);
  }
  return true;
}
