import { describe, expect, it } from "vitest";
import { execute, type SqlServer, sqlServer } from "./sql-fixture.ts";

const integer = (value: number | string) => ({ type: "integer", value: String(value) });
const text = (value: string) => ({ type: "text", value });
const inside = { type: "not", cond: { type: "is_autocommit" } };
const step = (sql: string, condition: unknown = null, ...args: unknown[]) => ({
  condition,
  stmt: { sql, sql_id: null, args, named_args: [], want_rows: false, replication_index: null },
});

async function batch(server: SqlServer, steps: readonly unknown[]) {
  const { status, results, baton } = await server.pipeline([{ type: "batch", batch: { steps } }]);
  const { step_results: done = [], step_errors: errors = [] } = results?.[0]?.response?.result ?? {};
  return {
    status,
    baton,
    outcomes: done.map((result, i): unknown => errors[i] ?? (result === null ? "skipped" : "ok")),
  };
}

describe("a statement over HTTP", () => {
  it("has columns, rows, and what it changed", async () => {
    const server = await sqlServer();
    const results = await server.run(
      "INSERT INTO t(v) VALUES ('a'), ('b') RETURNING id, v",
      "SELECT id, v, 1 + 1 AS two FROM t ORDER BY id DESC",
    );
    expect(results[0]?.response?.result).toEqual({
      cols: [
        { name: "id", decltype: "INTEGER" },
        { name: "v", decltype: null },
      ],
      rows: [
        [integer(1), text("a")],
        [integer(2), text("b")],
      ],
      affected_row_count: 2,
      last_insert_rowid: "2",
    });
    expect(results[1]?.response?.result).toMatchObject({
      cols: [{ name: "id" }, { name: "v" }, { name: "two", decltype: null }],
      rows: [
        [integer(2), text("b"), integer(2)],
        [integer(1), text("a"), integer(2)],
      ],
      affected_row_count: 0,
    });
  });

  it("takes and gives every value as it is", async () => {
    const server = await sqlServer();
    const values = [
      { type: "null" },
      integer("-9223372036854775808"),
      integer("9007199254740993"),
      { type: "float", value: 2 },
      { type: "float", value: 1e308 },
      { type: "float", value: null },
      text("ä\0b"),
      { type: "blob", base64: "AQIDBAU" },
      { type: "blob", base64: "" },
    ];
    const sql = `SELECT ${values.map(() => "?").join()}, typeof(?4), -1e999, 1e999 = ?6`;
    const { results } = await server.pipeline([execute(sql, ...values)]);
    const infinity = { type: "float", value: null };
    expect(results?.[0]?.response?.result?.rows).toEqual([[...values, text("real"), infinity, integer(1)]]);
    const padded = await server.pipeline([execute("SELECT ?", { type: "blob", base64: "AQIDBAU=" })]);
    expect(padded.results?.[0]?.response?.result?.rows).toEqual([[{ type: "blob", base64: "AQIDBAU" }]]);
  });

  it("takes arguments by name, with the sign or without", async () => {
    const server = await sqlServer();
    const named = ["a", ":b", "@c", "$d"].map((name) => ({ name, value: text(name) }));
    const stmt = { sql: "SELECT :a, :b, @c, $d", named_args: named };
    const { results } = await server.pipeline([{ type: "execute", stmt }]);
    expect(results?.[0]?.response?.result?.rows).toEqual([["a", ":b", "@c", "$d"].map(text)]);
  });

  it.each([
    ["SELECT * FROM missing", "no such table: missing", "SQLITE_ERROR"],
    ["SELEC 1", 'near "SELEC": syntax error', "SQLITE_ERROR"],
    ["INSERT INTO u VALUES (1, 1)", "UNIQUE constraint failed: u.y", "SQLITE_CONSTRAINT_UNIQUE"],
    ["INSERT INTO u VALUES (NULL, 7)", "NOT NULL constraint failed: u.x", "SQLITE_CONSTRAINT_NOTNULL"],
    ["INSERT INTO u VALUES (-1, 7)", "CHECK constraint failed: x > 0", "SQLITE_CONSTRAINT_CHECK"],
    ["SELECT 1; SELECT 2", "SQL string contains more than one statement", "SQL_MANY_STATEMENTS"],
    [" -- nothing", "SQL string does not contain any statement", "SQL_NO_STATEMENT"],
    ["SELECT load_extension('x')", "not authorized", "SQLITE_ERROR"],
  ])("%j fails in the words of SQLite", async (sql, message, code) => {
    const server = await sqlServer({
      setup: "CREATE TABLE u(x NOT NULL CHECK (x > 0), y UNIQUE); INSERT INTO u VALUES (1, 1)",
    });
    expect(await server.run(sql)).toEqual([{ type: "error", error: { message, code } }]);
  });

  it("with too many arguments, or a name it has not, fails alone", async () => {
    const server = await sqlServer();
    const unknown = {
      type: "execute",
      stmt: { sql: "SELECT :a", named_args: [{ name: "b", value: integer(1) }] },
    };
    const { results } = await server.pipeline([
      execute("SELECT ?", integer(1), integer(2)),
      unknown,
      execute("SELECT 1"),
    ]);
    expect(results?.map(({ type }) => type)).toEqual(["error", "error", "ok"]);
    expect(results?.[0]?.error?.code).toBe("SQLITE_RANGE");
  });

  it("has the columns of its rows, also where the table was altered since it ran last", async () => {
    const server = await sqlServer({ setup: "CREATE TABLE t(a); INSERT INTO t VALUES (1)" });
    const select = "SELECT * FROM t";
    const alter = (name: string) => `ALTER TABLE t ADD COLUMN ${name} DEFAULT 5`;
    const results = await server.run(select, alter("b"), select, "DELETE FROM t", alter("c"), select);
    const selected = results.map(({ response }) => response?.result).filter((_, i) => [2, 5].includes(i));
    const [full, empty] = selected.map((result) => result?.cols);
    expect(full).toMatchObject([{ name: "a" }, { name: "b" }]);
    expect(selected[0]?.rows).toEqual([[integer(1), integer(5)]]);
    expect(empty).toMatchObject([{ name: "a" }, { name: "b" }, { name: "c" }]);
  });

  it("that reaches for another file is refused, and the next one runs", async () => {
    const server = await sqlServer();
    const results = await server.run("ATTACH 'x.db' AS x", "VACUUM INTO 'y.db'", "VACUUM", "SELECT 1");
    expect(results.map(({ type, error }) => error?.code ?? type)).toEqual([
      "SQLITE_AUTH",
      "SQLITE_AUTH",
      "ok",
      "ok",
    ]);
  });
});

describe("a batch", () => {
  it("that pushes commits as a whole", async () => {
    const server = await sqlServer();
    const { outcomes, baton } = await batch(server, [
      step("BEGIN IMMEDIATE"),
      step("CREATE TABLE IF NOT EXISTS turso_sync_last_change_id (client_id TEXT PRIMARY KEY, n)", inside),
      step("INSERT INTO t VALUES (?, ?)", inside, integer(7), text("seven")),
      step("COMMIT", inside),
    ]);
    expect(outcomes).toEqual(["ok", "ok", "ok", "ok"]);
    expect(baton).toBeNull();
    expect(server.rows("SELECT * FROM t")).toEqual([[7, "seven"]]);
  });

  it("that pushes and fails is rolled back as a whole, and tells the first failure", async () => {
    const server = await sqlServer({ setup: "CREATE TABLE t(id INTEGER PRIMARY KEY, v UNIQUE)" });
    const { status, outcomes } = await batch(server, [
      step("BEGIN IMMEDIATE"),
      step("INSERT INTO t VALUES (1, 'a')", inside),
      step("INSERT INTO t VALUES (2, 'a')", inside),
      step("INSERT INTO t VALUES (3, 'c')", inside),
      step("COMMIT", inside),
    ]);
    const error = { message: "UNIQUE constraint failed: t.v", code: "SQLITE_CONSTRAINT_UNIQUE" };
    expect([status, outcomes]).toEqual([200, ["ok", "ok", error, "skipped", "skipped"]]);
    expect(server.rows("SELECT * FROM t")).toEqual([]);
  });

  it("without conditions is rolled back all the same", async () => {
    const server = await sqlServer();
    const steps = [
      "BEGIN",
      "INSERT INTO t VALUES (1, 1)",
      "INSERT INTO nowhere VALUES (1)",
      "INSERT INTO t VALUES (2, 2)",
      "COMMIT",
    ];
    const { outcomes } = await batch(
      server,
      steps.map((sql) => step(sql)),
    );
    expect(outcomes.slice(3)).toEqual(["skipped", "skipped"]);
    expect(server.rows("SELECT * FROM t")).toEqual([]);
  });

  it("passes over a column that is there already", async () => {
    const server = await sqlServer();
    const { outcomes } = await batch(server, [
      step("BEGIN IMMEDIATE"),
      step("ALTER TABLE t ADD COLUMN v", inside),
      step("INSERT INTO t VALUES (1, 2)", inside),
      step("COMMIT", inside),
    ]);
    expect(outcomes[1]).toEqual({ message: "duplicate column name: v", code: "SQLITE_ERROR" });
    expect(server.rows("SELECT * FROM t")).toEqual([[1, 2]]);
  });

  it("that foresees a failure handles it itself", async () => {
    const server = await sqlServer();
    const { outcomes } = await batch(server, [
      step("BEGIN"),
      step("INSERT INTO t VALUES (1, 1)", { type: "ok", step: 0 }),
      step("INSERT INTO nowhere VALUES (1)", { type: "ok", step: 1 }),
      step("INSERT INTO t VALUES (2, 2)", { type: "error", step: 2 }),
      step("COMMIT", { type: "ok", step: 3 }),
    ]);
    expect(outcomes.map((outcome) => (typeof outcome === "string" ? outcome : "error"))).toEqual([
      "ok",
      "ok",
      "error",
      "ok",
      "ok",
    ]);
    expect(server.rows("SELECT * FROM t")).toEqual([
      [1, 1],
      [2, 2],
    ]);
  });

  it("whose COMMIT fails leaves nothing open", async () => {
    const server = await sqlServer({
      setup:
        "CREATE TABLE p(id INTEGER PRIMARY KEY); CREATE TABLE c(p REFERENCES p DEFERRABLE INITIALLY DEFERRED)",
    });
    const { outcomes, baton } = await batch(server, [
      step("PRAGMA foreign_keys = on"),
      step("BEGIN"),
      step("INSERT INTO c VALUES (5)", inside),
      step("COMMIT", inside),
    ]);
    expect(outcomes[3]).toMatchObject({ code: "SQLITE_CONSTRAINT_FOREIGNKEY" });
    expect(baton).toBeNull();
    expect(await batch(server, [step("INSERT INTO c VALUES (6)")])).toMatchObject({ outcomes: ["ok"] });
    expect(server.rows("SELECT p FROM c")).toEqual([[6]]);
  });

  it("outside of a transaction runs on after a failure", async () => {
    const server = await sqlServer();
    const { outcomes } = await batch(server, [
      step("INSERT INTO nowhere VALUES (1)"),
      step("INSERT INTO t VALUES (1, 1)"),
    ]);
    expect(outcomes[1]).toBe("ok");
  });
});

describe("other requests of a pipeline", () => {
  it("run a script up to its first failure", async () => {
    const server = await sqlServer();
    const script = "INSERT INTO t VALUES (1, 1); INSERT INTO nowhere VALUES (1); INSERT INTO t VALUES (2, 2)";
    const { results } = await server.pipeline([
      { type: "sequence", sql: script },
      { type: "sequence", sql: "SELECT 1" },
    ]);
    expect(results).toEqual([
      { type: "error", error: { message: "no such table: nowhere", code: "SQLITE_ERROR" } },
      { type: "ok", response: { type: "sequence" } },
    ]);
    expect(server.rows("SELECT * FROM t")).toEqual([[1, 1]]);
  });

  it("describe a statement", async () => {
    const server = await sqlServer();
    const { results } = await server.pipeline([
      { type: "describe", sql: "SELECT v FROM t WHERE id = :id AND v > ?" },
    ]);
    expect(results?.[0]?.response?.result).toEqual({
      params: [{ name: ":id" }, { name: null }],
      cols: [{ name: "v", decltype: null }],
      is_explain: false,
      is_readonly: true,
    });
  });

  it("store SQL, use it, and forget it", async () => {
    const server = await sqlServer();
    const use = { type: "execute", stmt: { sql_id: 3 } };
    const first = await server.pipeline([{ type: "store_sql", sql_id: 3, sql: "SELECT 'stored'" }, use]);
    expect(first.results?.[1]?.response?.result?.rows).toEqual([[text("stored")]]);
    const second = await server.pipeline([use, { type: "close_sql", sql_id: 3 }, use], {
      baton: first.baton,
    });
    expect(second.results?.map(({ type }) => type)).toEqual(["ok", "ok", "error"]);
    expect(second.baton).toBeNull();
  });

  it("have results of a limited size together", async () => {
    const server = await sqlServer({ maxResultBytes: 10_000 });
    const rows = execute("SELECT hex(zeroblob(3000))");
    const names = execute(`SELECT 1 AS "${"n".repeat(6000)}" WHERE 0`);
    const store = { type: "store_sql", sql_id: 1, sql: "SELECT 1" };
    for (const large of [rows, names]) {
      const { results } = await server.pipeline([large, store, large, large, execute("SELECT 'small'")]);
      expect(results?.map(({ error }) => error?.code ?? "ok")).toEqual([
        "ok",
        "ok",
        "RESPONSE_TOO_LARGE",
        "RESPONSE_TOO_LARGE",
        "ok",
      ]);
    }
  });

  it("tell whether a transaction is open", async () => {
    const server = await sqlServer();
    const { results } = await server.pipeline([
      { type: "get_autocommit" },
      execute("BEGIN"),
      { type: "get_autocommit" },
      { type: "close" },
    ]);
    expect(results?.[0]?.response).toEqual({ type: "get_autocommit", is_autocommit: true });
    expect(results?.[2]?.response).toEqual({ type: "get_autocommit", is_autocommit: false });
    expect(results?.[3]?.response).toEqual({ type: "close" });
  });

  it("are not run behind a close", async () => {
    const server = await sqlServer();
    const { results, baton } = await server.pipeline([
      { type: "close" },
      execute("INSERT INTO t VALUES (1, 1)"),
    ]);
    expect(results?.[1]?.error?.code).toBe("STREAM_CLOSED");
    expect(baton).toBeNull();
    expect(server.rows("SELECT * FROM t")).toEqual([]);
  });
});

describe("a cursor", () => {
  it("gives a batch line by line", async () => {
    const server = await sqlServer();
    const lines = await server.cursor([
      { stmt: { sql: "INSERT INTO t VALUES (4, 'x')", args: [], named_args: [], want_rows: true } },
      { stmt: { sql: "SELECT id, v FROM t" } },
      { condition: { type: "error", step: 1 }, stmt: { sql: "SELECT 'skipped'" } },
      { stmt: { sql: "SELECT * FROM nowhere" } },
    ]);
    expect(lines).toEqual([
      { baton: null, base_url: null },
      { type: "step_begin", step: 0, cols: [] },
      { type: "step_end", affected_row_count: 1, last_insert_rowid: "4" },
      {
        type: "step_begin",
        step: 1,
        cols: [
          { name: "id", decltype: "INTEGER" },
          { name: "v", decltype: null },
        ],
      },
      { type: "row", row: [integer(4), text("x")] },
      { type: "step_end", affected_row_count: 0, last_insert_rowid: "4" },
      { type: "step_error", step: 3, error: { message: "no such table: nowhere", code: "SQLITE_ERROR" } },
    ]);
  });

  it("gives more rows than a pipeline would", async () => {
    const server = await sqlServer({ maxResultBytes: 10_000 });
    const sql =
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT i FROM n";
    expect((await server.run(sql))[0]?.error?.code).toBe("RESPONSE_TOO_LARGE");
    const lines = await server.cursor([{ stmt: { sql } }]);
    expect(lines).toHaveLength(20_003);
    expect(lines[20_001]).toEqual({ type: "row", row: [integer(20_000)] });
  });

  it("that is left early gives its process back", async () => {
    const server = await sqlServer();
    const sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n";
    const body = JSON.stringify({ batch: { steps: [{ stmt: { sql } }] } });
    const response = await server.fetch("http://server/v3/cursor", { method: "POST", body });
    const reader = response.body?.getReader();
    await reader?.read();
    await reader?.read();
    expect(server.sql.openStreams).toBe(1);
    await reader?.cancel();
    await expect.poll(() => server.sql.openStreams).toBe(0);
    expect(await server.run("SELECT 1")).toMatchObject([{ type: "ok" }]);
  });
});
