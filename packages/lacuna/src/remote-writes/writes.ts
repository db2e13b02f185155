import { type Token, tokenize } from "@lacuna/btree";

const READING = new Set(["SELECT", "VALUES", "EXPLAIN"]);
const WRITING = new Set(["INSERT", "REPLACE", "UPDATE", "DELETE"]);

/** Whether SQL text may write, or begin or end a transaction, told from the words of its first statement. When in doubt, it may. */
export function mayWrite(sql: string): boolean {
  let tokens: readonly Token[];
  try {
    tokens = tokenize(sql.replace(/^[\s;]+/, ""));
  } catch {
    return true;
  }
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
