/** Runs under Deno: serves a database file with the handler alone, asks it, and prints what came. */
import { handlerAsFetch, syncHandler } from "../src/index.ts";
import { openServedFile, openServedSql } from "../src/node/index.ts";

const [path = ""] = process.argv.slice(2);
const database = await openServedFile(path);
const sql = openServedSql(path);
const server = handlerAsFetch(syncHandler({ database, sql }));

const part = await server("http://server/app.db", { headers: { range: "bytes=0-14" } });
const pages = await server("http://server/pull-updates", { method: "POST" });
const requests = [
  { type: "execute", stmt: { sql: "INSERT INTO t(id, generation) VALUES (9001, 9223372036854775807)" } },
  { type: "execute", stmt: { sql: "SELECT generation FROM t WHERE id = 9001" } },
];
const body = JSON.stringify({ requests });
const answer = await server("http://server/v2/pipeline", { method: "POST", body });
const found = {
  file: await part.text(),
  pages: (await pages.arrayBuffer()).byteLength,
  sql: await answer.text(),
};
console.log(JSON.stringify(found));
await sql.close();
await database.close();
