import { DatabaseSync } from "node:sqlite";
import { pageIndex } from "@lacuna/page";
import { encodePageSelector } from "@lacuna/protocol";
import { describe, expect, it } from "vitest";
import { firstWord } from "../src/first-word.ts";
import {
  handlerAsFetch,
  type ServedDatabase,
  type ServedView,
  type SyncHandlerOptions,
  syncHandler,
} from "../src/index.ts";
import { makeDatabase, type Pulled, postPull, pull, serve, temporaryDirectory } from "./database-fixture.ts";
import { copyOf, newestOf, serveHistory } from "./history-fixture.ts";

const SQL = "SELECT filler FROM t WHERE id = 250";
const indexes = ({ pages }: Pulled): number[] => pages.map(({ index }) => index);

async function serverOf(path: string, options: Partial<SyncHandlerOptions> = {}): Promise<typeof fetch> {
  return handlerAsFetch(syncHandler({ database: await serve(path), ...options }));
}

async function refusal(response: Promise<Response>): Promise<string> {
  const answer = await response;
  return `${answer.status} ${(await answer.json()).code}`;
}

/** Runs SQL over nothing but some pages; everything else is zeros. */
function answerFrom({ header, pages }: Pulled, sql: string): unknown[] {
  const bytes = new Uint8Array(header.pageCount * 4096);
  for (const page of pages) bytes.set(page.bytes, page.index * 4096);
  // A database in memory has no log.
  bytes.set([1, 1], 18);
  const database = new DatabaseSync(":memory:");
  try {
    database.deserialize(bytes);
    return database.prepare(sql).all();
  } finally {
    database.close();
  }
}

describe("the pages of a query", () => {
  it.each([
    SQL,
    "SELECT count(*) FROM t",
    "WITH x AS (SELECT 200 AS a) SELECT t.id FROM t, x WHERE t.id > x.a AND filler = 'x' LIMIT 3",
    "/* as\nwritten */ -- by hand\n; SELECT max(id) FROM t;",
    "SELECT big FROM long WHERE id = 1",
    "SELECT name FROM sqlite_schema",
  ])("are enough to run it again: %s", async (sql) => {
    const { path, writer } = makeDatabase({ journal: "wal" });
    writer.exec(
      "CREATE TABLE long(id INTEGER PRIMARY KEY, big BLOB); INSERT INTO long VALUES (1, randomblob(60000))",
    );
    const pulled = await pull(await serverOf(path), { query: sql });
    expect(indexes(pulled)[0]).toBe(0);
    expect(pulled.header.pageCount).toBe(copyOf(writer).length / 4096);
    expect(answerFrom(pulled, sql)).toEqual(writer.prepare(sql).all());
  });

  it("are few where it touches few", async () => {
    const { path } = makeDatabase({ journal: "wal" });
    expect((await pull(await serverOf(path), { query: SQL })).pages.length).toBe(3);
  });

  it("are those of the revision asked for", async () => {
    const { path, commit, writer } = makeDatabase({ journal: "wal" });
    const { file, fetch } = await serveHistory(path);
    const name = await newestOf(file);
    commit(7);
    writer.exec("DROP TABLE t");
    const pulled = await pull(fetch, { query: "SELECT DISTINCT generation FROM t", serverRevision: name });
    expect(pulled.header.serverRevision).toBe(name);
    expect(answerFrom(pulled, "SELECT DISTINCT generation FROM t")).toEqual([{ generation: 0 }]);
    expect(await refusal(postPull(fetch, { query: SQL }))).toBe("400 SQL");
  });

  it("leave out those that the client holds of that revision", async () => {
    const { path } = makeDatabase({ journal: "wal" });
    const { file, fetch } = await serveHistory(path);
    const serverRevision = await newestOf(file);
    const all = indexes(await pull(fetch, { query: SQL }));
    const clientPages = encodePageSelector([{ first: pageIndex(0), last: pageIndex(1) }]);
    const rest = indexes(await pull(fetch, { query: SQL, serverRevision, clientPages }));
    expect(rest).toEqual(all.filter((index) => index > 1));
    expect(await refusal(postPull(fetch, { query: SQL, clientPages }))).toBe("400 PROTOCOL");
  });

  it("leave out those that the client holds of an older revision and that did not change", async () => {
    const { path, writer } = makeDatabase({ journal: "wal" });
    const { file, fetch } = await serveHistory(path);
    const clientRevision = await newestOf(file);
    const all = indexes(await pull(fetch, { query: SQL }));
    writer.exec("UPDATE t SET filler = 'new' WHERE id = 250");
    const clientPages = encodePageSelector([{ first: pageIndex(0), last: pageIndex(500) }]);
    const rest = indexes(await pull(fetch, { query: SQL, clientRevision, clientPages }));
    expect(rest).toEqual([all.at(-1)]);
  });

  it("are none of a database without pages", async () => {
    const path = `${temporaryDirectory()}/empty.db`;
    new DatabaseSync(path).close();
    expect((await pull(await serverOf(path), { query: "SELECT 1" })).pages).toEqual([]);
  });

  it.each([
    "DELETE FROM t",
    "PRAGMA user_version = 7",
    "WITH x AS (SELECT 1) DELETE FROM t",
    "SELECT 1; SELECT 2",
    "SELECT * FROM nowhere",
    "SELECT",
    "-- nothing",
    "ATTACH '/etc/passwd' AS x",
    "SELECT load_extension('x')",
    "SELECT ?1, id FROM",
    "EXPLAIN SELECT 1",
  ])("are refused for %s", async (query) => {
    const { path, writer } = makeDatabase({ journal: "wal" });
    const before = copyOf(writer);
    expect(await refusal(postPull(await serverOf(path), { query }))).toBe("400 SQL");
    expect(Buffer.compare(copyOf(writer), before)).toBe(0);
  });

  it("are refused where it touches too many, and where it runs too long", async () => {
    const { path } = makeDatabase({ journal: "wal" });
    const few = await serverOf(path, { queries: { maxPages: 10 } });
    expect(await refusal(postPull(few, { query: "SELECT count(*) FROM t" }))).toBe("400 QUERY_LIMIT");
    expect((await pull(few, { query: SQL })).pages.length).toBe(3);
    const short = await serverOf(path, { queries: { timeoutMs: 50 } });
    const endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) SELECT count(*) FROM n";
    expect(await refusal(postPull(short, { query: endless }))).toBe("400 QUERY_LIMIT");
  });

  it("are put off where too many run already, and had when these are done", async () => {
    const { path } = makeDatabase({ journal: "wal" });
    const served = await serve(path);
    const { promise: reading, resolve: hasBegun } = Promise.withResolvers<void>();
    const { promise: mayRead, resolve: goOn } = Promise.withResolvers<void>();
    const database: ServedDatabase = {
      name: served.name,
      open: async (options) => {
        const view = await served.open(options);
        const read: ServedView["read"] = async (ranges, readOptions) => {
          hasBegun();
          await mayRead;
          return view.read(ranges, readOptions);
        };
        return { ...view, read };
      },
    };
    const server = handlerAsFetch(syncHandler({ database, queries: { atOnce: 1 } }));
    const first = pull(server, { query: SQL });
    await reading;
    expect(await refusal(postPull(server, { query: SQL }))).toBe("503 BUSY");
    goOn();
    expect((await first).pages.length).toBe(3);
    expect((await pull(server, { query: SQL })).pages.length).toBe(3);
  });

  it("end with the request", async () => {
    const { path } = makeDatabase({ journal: "wal" });
    const handler = syncHandler({ database: await serve(path), queries: { timeoutMs: 60_000 } });
    const controller = new AbortController();
    const endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) SELECT count(*) FROM n";
    const answer = postPull(
      (input, init) => handler(new Request(input, { ...init, signal: controller.signal })),
      {
        query: endless,
      },
    );
    setTimeout(() => controller.abort(new Error("gone")), 20);
    await expect(answer).rejects.toThrow("gone");
  });
});

it("the first word stands behind comments, however many", () => {
  expect(firstWord(" ;\n-- SELECT\n/* DELETE */ with x")).toBe("WITH");
  expect(firstWord(`${"--".repeat(50_000)}\nselect`)).toBe("SELECT");
  expect(firstWord("/* open")).toBe("");
  expect(firstWord("")).toBe("");
});
