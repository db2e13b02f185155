/**
 * A process that runs SQL. It is one of its own, not a thread, for two reasons: nothing but the end of its process stops SQLite
 * in the middle of a statement, and the file locks of a connection here do not hang on who closes the same file elsewhere.
 */
import { Worker } from "node:worker_threads";
import type { SqlResponseJson, SqlResultJson } from "@lacuna/protocol";
import { SqlFailure } from "../../sql/sql-error.ts";
import type { PlainRequest, SqlQuestion, SqlReport } from "./sql-messages.ts";
import { SqlSession } from "./sql-session.ts";

/** Characters of a cursor's lines that are sent together. */
const LINES_CHARACTERS = 65_536;

let session: SqlSession | undefined;
let cursor: Generator<string, void, undefined> | undefined;

const report = (message: SqlReport): void => void process.send?.(message);
const done = (): void => report({ kind: "done", inTransaction: session?.inTransaction ?? false });

function opened(): SqlSession {
  if (session === undefined) throw new Error("BUG: no database is open");
  return session;
}

function answer(question: SqlQuestion): void {
  switch (question.kind) {
    case "open":
      session = new SqlSession(question.options);
      done();
      break;
    case "run":
      opened().resultBytes = question.resultBytes;
      for (const request of question.requests) report(resultOf(request));
      done();
      break;
    case "cursor":
      cursor = linesOf(question.steps);
      advance();
      break;
    case "more":
      advance();
      break;
    case "end":
      cursor?.return();
      cursor = undefined;
      session?.rollback();
      session?.close();
      session = undefined;
      done();
      break;
  }
}

function resultOf(request: PlainRequest): SqlReport {
  try {
    const response = responseTo(request);
    const json = jsonOf({ type: "ok", response });
    opened().countResult(json.length);
    const failed = response.type === "batch" && response.result.step_errors.some((error) => error !== null);
    return { kind: "result", json, failed };
  } catch (error) {
    if (!(error instanceof SqlFailure)) throw error;
    return { kind: "result", json: jsonOf({ type: "error", error: error.toJson() }), failed: true };
  }
}

const jsonOf = (result: SqlResultJson): string => JSON.stringify(result);

function responseTo(request: PlainRequest): SqlResponseJson {
  switch (request.type) {
    case "execute":
      return { type: "execute", result: opened().execute(request.statement) };
    case "batch":
      return { type: "batch", result: opened().batch(request.steps) };
    case "describe":
      return { type: "describe", result: opened().describe(request.sql) };
    case "sequence":
      opened().sequence(request.sql);
      return { type: "sequence" };
    case "get_autocommit":
      return { type: "get_autocommit", is_autocommit: !opened().inTransaction };
  }
}

function* linesOf(steps: Parameters<SqlSession["cursor"]>[0]): Generator<string, void, undefined> {
  for (const entry of opened().cursor(steps)) yield `${JSON.stringify(entry)}\n`;
}

function advance(): void {
  let lines = "";
  while (cursor !== undefined && lines.length < LINES_CHARACTERS) {
    const next = cursor.next();
    if (next.done === true) cursor = undefined;
    else lines += next.value;
  }
  if (lines === "") done();
  else report({ kind: "entries", lines });
}

process.on("message", (question: SqlQuestion) => {
  try {
    answer(question);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const code = error instanceof SqlFailure ? error.code : "UNKNOWN";
    report({ kind: "failed", error: { message, code } });
  }
});
process.on("disconnect", () => process.exit());
// The server's end is the server's to decide; a signal to the whole group must not cut off what it lets finish.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => {});

// While SQLite computes, nothing above hears that the server was killed, nor that memory runs out. A thread does.
const [maxBytes, parent] = process.argv.slice(2).map(Number);
const watch = `setInterval(() => {
  if (process.ppid === ${parent} && process.memoryUsage.rss() <= ${maxBytes}) return;
  process.kill(process.pid, "SIGKILL");
}, 100);`;
new Worker(watch, { eval: true, execArgv: [], resourceLimits: { maxOldGenerationSizeMb: 8 } }).unref();
