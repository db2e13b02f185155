import { expect, it } from "vitest";
import { openSqlite, SqlError } from "../src/index.ts";
import { BytesSource, makeDatabase } from "./bytes-source.ts";
import { describeDrivers, openBytes } from "./drivers.ts";

const bytes = makeDatabase((db) =>
  db.exec(`CREATE TABLE t(id INTEGER PRIMARY KEY, name VARCHAR(10), size REAL, data BLOB);
    INSERT INTO t VALUES (1, 'one', 1.5, x'01'), (2, 'two', NULL, x''), (3, 'drei ä🦊', -0.25, NULL);`),
);
const wide = 9_007_199_254_740_993n;

describeDrivers("a statement", (driver) => {
  it("gives its rows as objects, arrays or first values", async () => {
    const { db } = await openBytes(bytes, driver);
    const statement = await db.prepare("SELECT id, name FROM t WHERE id < ? ORDER BY id");
    expect(await statement.all(3)).toEqual([
      { id: 1, name: "one" },
      { id: 2, name: "two" },
    ]);
    expect(await statement.get(3)).toEqual({ id: 1, name: "one" });
    expect(await statement.get(0)).toBeUndefined();
    expect(await statement.raw().all(3)).toEqual([
      [1, "one"],
      [2, "two"],
    ]);
    expect(await statement.raw().get(3)).toEqual([1, "one"]);
    expect(await statement.pluck().all(3)).toEqual([1, 2]);
    expect(await statement.pluck(false).get(2)).toEqual({ id: 1, name: "one" });
    const rows: unknown[] = [];
    for await (const row of statement.raw().iterate(9)) rows.push(row);
    expect(rows).toHaveLength(3);
    await db.close();
  });

  it("tells its columns", async () => {
    const { db } = await openBytes(bytes, driver);
    const statement = await db.prepare("SELECT name AS n, size, count(*) FROM t");
    expect(statement.reader).toBe(true);
    expect(statement.columns()).toEqual([
      { name: "n", column: "name", table: "t", database: "main", type: "VARCHAR(10)" },
      { name: "size", column: "size", table: "t", database: "main", type: "REAL" },
      { name: "count(*)", column: null, table: null, database: null, type: null },
    ]);
    const temporary = await db.prepare("CREATE TEMP TABLE x(a)");
    expect(temporary.reader).toBe(false);
    expect(temporary.columns()).toEqual([]);
    await db.close();
  });

  it("takes every type of value, and gives it back", async () => {
    const { db } = await openBytes(bytes, driver);
    const values: [unknown, unknown, string][] = [
      [null, null, "null"],
      [undefined, null, "null"],
      [7, 7, "integer"],
      [-(2 ** 40), -(2 ** 40), "integer"],
      [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, "integer"],
      [2 ** 53, 2 ** 53, "real"],
      [1.25, 1.25, "real"],
      [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, "real"],
      [Number.NaN, null, "null"],
      [5n, 5, "integer"],
      [true, 1, "integer"],
      [false, 0, "integer"],
      ["", "", "text"],
      ["grün 🦊 \u0000 \ufeff", "grün 🦊 \u0000 \ufeff", "text"],
      ["x".repeat(200_000), "x".repeat(200_000), "text"],
      [new Uint8Array(0), new Uint8Array(0), "blob"],
      [Uint8Array.of(1, 2, 0), Uint8Array.of(1, 2, 0), "blob"],
      [Buffer.from("abc"), new Uint8Array(Buffer.from("abc")), "blob"],
      [Uint8Array.of(9, 8).buffer, Uint8Array.of(9, 8), "blob"],
    ];
    const statement = (await db.prepare("SELECT ?, typeof(?1)")).raw();
    for (const [given, expected, type] of values) {
      expect(await statement.get(given as never)).toEqual([expected, type]);
    }
    expect(await db.get("SELECT ? AS zero", -0)).toEqual({ zero: -0 });
    await db.close();
  });

  it("takes values in order, in an array, and by name", async () => {
    const { db } = await openBytes(bytes, driver);
    const named = (await db.prepare("SELECT :a || @b || $c || :a")).pluck();
    for (const given of [
      { a: 1, b: 2, c: 3 },
      { ":a": 1, "@b": 2, $c: 3 },
    ]) {
      expect(await named.get(given)).toBe("1231");
    }
    expect(await named.get(1, 2, 3)).toBe("1231");
    expect(await named.get([1, 2, 3])).toBe("1231");
    expect(await db.get("SELECT ?3 AS x, ?1 AS y", 10, 20, 30)).toEqual({ x: 30, y: 10 });
    expect(await db.all("SELECT id FROM t WHERE id = :id", { id: 2 })).toEqual([{ id: 2 }]);
    await db.close();
  });

  it.each([
    ["too few values", "SELECT ?, ?", [1]],
    ["too many values", "SELECT ?", [1, 2]],
    ["values for none", "SELECT 1", [1]],
    ["an empty array", "SELECT ?", [[]]],
    ["a missing name", "SELECT :a, :b", [{ a: 1 }]],
    ["an unknown name", "SELECT :a", [{ a: 1, b: 2 }]],
    ["a name for a parameter without", "SELECT ?", [{ a: 1 }]],
    ["a symbol", "SELECT ?", [Symbol("x")]],
    ["a date", "SELECT :d", [{ d: new Date() }]],
    ["a function", "SELECT ?", [() => 1]],
    ["a bigint of more than 64 bits", "SELECT ?", [2n ** 63n]],
    ["other views", "SELECT ?", [new Float64Array(1)]],
    ["two arrays", "SELECT ?, ?", [[1], [2]]],
  ])("refuses %s", async (_, sql, given) => {
    const { db } = await openBytes(bytes, driver);
    const refusal = { code: "INVALID_OPTION" };
    await expect(db.all(sql, ...(given as never[]))).rejects.toMatchObject(refusal);
    const statement = await db.prepare(sql);
    await expect(statement.get(...(given as never[]))).rejects.toMatchObject(refusal);
    expect(() => statement.bind(...(given as never[]))).toThrow(expect.objectContaining(refusal));
    await db.close();
  });

  it("keeps bound values, and takes no others then", async () => {
    const { db } = await openBytes(bytes, driver);
    const statement = (await db.prepare("SELECT name FROM t WHERE id = ?")).pluck().bind(2);
    expect(await statement.get()).toBe("two");
    expect(await statement.all()).toEqual(["two"]);
    await expect(statement.get(1)).rejects.toMatchObject({ code: "INVALID_OPTION" });
    expect(() => statement.bind(1)).toThrow(expect.objectContaining({ code: "INVALID_OPTION" }));
    await db.close();
  });

  it("is not affected by what the caller does to its array afterwards", async () => {
    const { db } = await openBytes(bytes, driver);
    const list = [1, 2];
    const named = { a: 5 };
    const rows = db.all("SELECT ? AS a, ? AS b", list);
    const row = db.get("SELECT :a AS a", named);
    list.fill(9);
    named.a = 9;
    expect(await rows).toEqual([{ a: 1, b: 2 }]);
    expect(await row).toEqual({ a: 5 });
    await db.close();
  });

  it("never rounds an integer", async () => {
    const { db } = await openBytes(bytes, driver);
    await expect(db.get("SELECT ? AS big", wide)).rejects.toMatchObject({
      code: "INVALID_OPTION",
      message: expect.stringContaining(String(wide)),
    });
    const statement = await db.prepare("SELECT ? AS big, 1 AS one, 1.5 AS real");
    for (const value of [wide, -wide, 2n ** 63n - 1n, -(2n ** 63n), 0n, -1n, 2n ** 31n, -(2n ** 31n) - 1n]) {
      expect(await statement.safeIntegers().get(value)).toEqual({ big: value, one: 1n, real: 1.5 });
    }
    expect(await statement.safeIntegers(false).get(2n ** 53n - 1n)).toEqual({
      big: 2 ** 53 - 1,
      one: 1,
      real: 1.5,
    });
    await expect(statement.get(2n ** 53n)).rejects.toMatchObject({ code: "INVALID_OPTION" });
    await expect(statement.get(-(2n ** 53n))).rejects.toMatchObject({ code: "INVALID_OPTION" });
    db.defaultSafeIntegers();
    expect(await db.get("SELECT id FROM t")).toEqual({ id: 1n });
    expect(await (await db.prepare("SELECT id FROM t")).get()).toEqual({ id: 1n });
    expect(await db.run("CREATE TEMP TABLE x(a)")).toMatchObject({ changes: 0, lastInsertRowid: 0n });
    db.defaultSafeIntegers(false);
    expect(await db.get("SELECT id FROM t")).toEqual({ id: 1 });
    expect((await db.run("INSERT INTO x(rowid) VALUES (?)", wide)).lastInsertRowid).toBe(wide);
    await db.close();
  });

  it("gives rows longer than the buffer they travel in", async () => {
    const { db } = await openBytes(bytes, driver);
    const sql = `SELECT id, CASE id WHEN 2 THEN hex(zeroblob(100000)) ELSE name END AS text, zeroblob(id * 30000) AS zeros,
      4503599627370495 * id AS wide, id / 2.0 AS half, NULL AS none FROM t ORDER BY id`;
    const expected = [1, 2, 3].map((id) => [
      id,
      ["one", "0".repeat(200_000), "drei ä🦊"][id - 1],
      id * 30_000,
      4_503_599_627_370_495n * BigInt(id),
      id / 2,
      null,
    ]);
    const statement = (
      await db.prepare(`SELECT id, text, length(zeros), wide, half, none FROM (${sql})`)
    ).raw();
    const whole = (await db.prepare(sql)).raw();
    const rows = await whole.safeIntegers().all<[bigint, string, Uint8Array, bigint, number, null]>();
    expect(rows.map(([id, text, zeros, ...rest]) => [Number(id), text, zeros.length, ...rest])).toEqual(
      expected,
    );
    expect(rows.every(([, , zeros]) => zeros.every((byte) => byte === 0))).toBe(true);
    expect(await statement.safeIntegers().get()).toEqual([
      1n,
      "one",
      30_000n,
      4_503_599_627_370_495n,
      0.5,
      null,
    ]);
    expect(await (await db.prepare(sql)).get()).toMatchObject({ id: 1, half: 0.5, none: null });
    expect(await whole.safeIntegers(false).pluck().all()).toEqual([1, 2, 3]);
    await expect(whole.raw().all()).rejects.toMatchObject({ code: "INVALID_OPTION" });
    await db.close();
  });

  it("counts the rows it changed", async () => {
    const { db } = await openBytes(bytes, driver);
    await db.exec("CREATE TEMP TABLE x(id INTEGER PRIMARY KEY, v); CREATE TEMP TABLE log(v)");
    await db.exec(
      "CREATE TEMP TRIGGER x_log AFTER INSERT ON x BEGIN INSERT INTO log VALUES (NEW.v), (NEW.v); END",
    );
    expect(await db.run("INSERT INTO x SELECT id * 10, name FROM t")).toEqual({
      changes: 3,
      lastInsertRowid: 30,
    });
    expect(await db.run("UPDATE x SET v = upper(v) WHERE id > ?", 10)).toEqual({
      changes: 2,
      lastInsertRowid: 30,
    });
    expect(await db.run("SELECT * FROM x")).toEqual({ changes: 0, lastInsertRowid: 30 });
    expect(await db.all("INSERT INTO x VALUES (50, 'a'), (51, 'b') RETURNING id, v")).toEqual([
      { id: 50, v: "a" },
      { id: 51, v: "b" },
    ]);
    expect(await db.get("DELETE FROM x WHERE id > 49 RETURNING id")).toEqual({ id: 50 });
    expect(await db.get("SELECT count(*) AS n FROM x")).toEqual({ n: 3 });
    await db.close();
  });

  it("can be ended, and the others go on", async () => {
    const { db } = await openBytes(bytes, driver);
    const statement = await db.prepare("SELECT 1 AS one");
    const other = await db.prepare("SELECT 1 AS one");
    const view = statement.with({ signal: new AbortController().signal });
    const running = statement.get();
    statement.finalize();
    statement.close();
    expect(await running).toEqual({ one: 1 });
    await expect(statement.get()).rejects.toMatchObject({ code: "CLOSED" });
    await expect(view.all()).rejects.toMatchObject({ code: "CLOSED" });
    await expect(statement.iterate().next()).rejects.toMatchObject({ code: "CLOSED" });
    expect(await other.get()).toEqual({ one: 1 });
    await db.close();
  });
});

describeDrivers("an error in SQL", (driver) => {
  it("says what SQLite says, and where", async () => {
    const { db } = await openBytes(bytes, driver);
    const sql = "SELECT 'grün 🦊', nme FROM t";
    const error = await db.prepare(sql).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(SqlError);
    expect(error).toMatchObject({
      code: "SQL",
      sqliteCode: "SQLITE_ERROR",
      resultCode: 1,
      message: "no such column: nme",
      sqlOffset: sql.indexOf("nme"),
    });
    await expect(db.all("SELECT * FROM missing")).rejects.toMatchObject({
      message: "no such table: missing",
    });
    await expect(db.iterate("SELEC").next()).rejects.toMatchObject({ message: 'near "SELEC": syntax error' });
    await expect(db.get("SELECT json('{')")).rejects.toMatchObject({
      message: "malformed JSON",
      code: "SQL",
    });
    await expect(db.get("SELECT abs(-9223372036854775808)")).rejects.toMatchObject({
      message: "integer overflow",
    });
    await db.exec("CREATE TEMP TABLE u(a PRIMARY KEY); INSERT INTO u VALUES (1)");
    await expect(db.run("INSERT INTO u VALUES (1)")).rejects.toMatchObject({
      sqliteCode: "SQLITE_CONSTRAINT_PRIMARYKEY",
      resultCode: 1555,
      message: "UNIQUE constraint failed: u.a",
    });
    expect(await db.get("SELECT count(*) AS n FROM u")).toEqual({ n: 1 });
    await db.close();
  });

  it.each([
    ["nothing", ""],
    ["only a comment", " -- hello\n /* there */ ;"],
    ["two statements", "SELECT 1; SELECT 2"],
    ["a statement and rubbish", "SELECT 1; rubbish"],
    ["a zero character", "SELECT '\u0000'"],
  ])("is reported for %s", async (_, sql) => {
    const { db } = await openBytes(bytes, driver);
    await expect(db.prepare(sql)).rejects.toMatchObject({ code: "INVALID_OPTION" });
    await expect(db.all(sql)).rejects.toMatchObject({ code: "INVALID_OPTION" });
    await db.close();
  });

  it("does not come from comments and semicolons around a statement", async () => {
    const { db } = await openBytes(bytes, driver);
    expect(await db.all(" ;; /* a */ -- b\n SELECT 1 AS one ; -- the end")).toEqual([{ one: 1 }]);
    await db.close();
  });

  it("ends a script where it is, and what came before stays", async () => {
    const { db } = await openBytes(bytes, driver);
    await expect(
      db.exec("CREATE TEMP TABLE a(x); INSERT INTO a VALUES (1); oops; INSERT INTO a VALUES (2)"),
    ).rejects.toMatchObject({ message: 'near "oops": syntax error' });
    expect(await db.all("SELECT * FROM a")).toEqual([{ x: 1 }]);
    await db.exec("");
    await db.exec(
      Array.from({ length: 500 }, (_, index) => `INSERT INTO a VALUES (${index}); -- ä\n`).join(""),
    );
    expect(await db.get("SELECT count(*) AS n FROM a")).toEqual({ n: 501 });
    await db.close();
  });
});

describeDrivers("an option", (driver) => {
  it.each([
    ["is not known", { reader: 3 }],
    ["is out of range", { readers: 0 }],
    ["is out of range", { cacheBytes: 1 }],
    ["is not a driver", { driver: "quick" }],
    ["is not WebAssembly", { wasm: new Uint8Array(8) }],
  ])("that %s is refused: %o", async (_, options) => {
    const source = new BytesSource(bytes);
    await expect(openSqlite({ source, driver, ...(options as object) })).rejects.toMatchObject({
      code: "INVALID_OPTION",
    });
    expect(source.held).toBe(0);
  });
});
