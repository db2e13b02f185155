import { expect, it } from "vitest";
import { randomIntegers } from "./random-numbers.ts";
import { execute, sqlServer } from "./sql-fixture.ts";

const SQL = [
  "SELECT * FROM t WHERE id = ? AND v = :v",
  "INSERT INTO t VALUES (?, ?) ON CONFLICT(id) DO UPDATE SET v = excluded.v RETURNING *",
  "WITH a(b) AS (VALUES (1), (2)) DELETE FROM t WHERE id IN (SELECT b FROM a)",
  "PRAGMA table_info(t)",
  "CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT 1; END; DROP TRIGGER r",
  "BEGIN; SAVEPOINT s; RELEASE s; COMMIT",
  "EXPLAIN QUERY PLAN SELECT 'a;b' || \"v\" FROM [t] -- end",
];

it("garbage in place of SQL over HTTP is refused or answered, and never the server's fault", {
  timeout: 60_000,
}, async () => {
  const errors: unknown[] = [];
  const server = await sqlServer({
    streamIdleMs: 5,
    sqlLimitMs: 10_000,
    maxSqlBytes: 100_000,
    onError: (error: unknown) => errors.push(error),
  });
  const random = randomIntegers(4711);
  const pick = <T>(values: readonly T[]): T => values[random() % values.length] as T;
  const garbage: readonly unknown[] = [
    null,
    { type: "blob", base64: "=====" },
    { type: "integer", value: 7 },
    [[]],
    5e300,
  ];
  const valid: readonly unknown[] = [
    { type: "null" },
    { type: "integer", value: "9223372036854775807" },
    { type: "integer", value: "-1" },
    { type: "float", value: 1e308 },
    { type: "float", value: null },
    { type: "text", value: "\ud800\0" },
    { type: "blob", base64: "AQI=" },
  ];
  /** One in twenty is garbage. */
  const orGarbage = (value: unknown): unknown => (random() % 20 === 0 ? pick(garbage) : value);
  const mangled = (sql: string): string => {
    const at = random() % (sql.length + 1);
    return pick([
      sql,
      sql,
      sql.slice(0, at),
      sql.slice(at),
      sql.slice(0, at) + pick(["'", '"', ";", "/*", "\0", "ä", "?99999", "("]) + sql.slice(at),
    ]);
  };
  const statement = () => ({
    sql: orGarbage(mangled(pick(SQL))),
    sql_id: random() % 20 === 0 ? pick([null, 1, -1, 1e20]) : undefined,
    args: orGarbage(pick([undefined, [pick(valid)], [pick(valid), orGarbage(pick(valid))]])),
    named_args: orGarbage(pick([undefined, [{ name: "v", value: pick(valid) }]])),
    want_rows: orGarbage(pick([undefined, true, false, null])),
  });
  const condition = (depth: number, steps: number): unknown => {
    const inner = () => (depth > 3 ? { type: "is_autocommit" } : condition(depth + 1, steps));
    return pick([
      null,
      { type: "ok", step: random() % steps },
      { type: "error", step: orGarbage(0) },
      { type: "not", cond: inner() },
      { type: "and", conds: [inner(), inner()] },
      { type: "or", conds: [] },
      { type: "is_autocommit" },
    ]);
  };
  const batch = () => {
    const length = 1 + (random() % 4);
    return { steps: Array.from({ length }, () => ({ condition: condition(0, length), stmt: statement() })) };
  };
  const request = () =>
    pick<() => unknown>([
      () => ({ type: "execute", stmt: statement() }),
      () => ({ type: "batch", batch: batch() }),
      () => ({ type: "sequence", sql: mangled(pick(SQL)) }),
      () => ({ type: "describe", sql: mangled(pick(SQL)) }),
      () => ({ type: "store_sql", sql_id: 1, sql: mangled(pick(SQL)) }),
      () => ({ type: pick(["get_autocommit", "close", orGarbage("close")]) }),
    ])();
  const nested = (open: string, close: string): string => open.repeat(20_000) + close.repeat(20_000);
  const body = (path: string): string | Uint8Array<ArrayBuffer> => {
    const baton = random() % 10 === 0 ? pick(["x", 5]) : pick([undefined, null]);
    const json = JSON.stringify(
      path === "/v3/cursor"
        ? { baton, batch: batch() }
        : { baton, requests: Array.from({ length: 1 + (random() % 3) }, request) },
    );
    const at = random() % json.length;
    return pick<() => string | Uint8Array<ArrayBuffer>>([
      () => json,
      () => json,
      () => json,
      () => json,
      () => json.slice(0, at) + String.fromCharCode(random() % 300) + json.slice(at + 1),
      () => json.slice(0, at),
      () => nested("[", "]"),
      () => `{"requests":${nested('[{"requests":', "}]")}}`,
      () => Uint8Array.from({ length: random() % 300 }, () => random() & 255),
      () => " ".repeat(random() % 200_000),
    ])();
  };

  const statuses = new Map<number, number>();
  for (let round = 0; round < 600; round++) {
    const path = pick(["/v2/pipeline", "/v3/pipeline", "/v3/cursor"]);
    const response = await server.fetch(`http://server${path}`, { method: "POST", body: body(path) });
    await response.text();
    statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
  }
  expect(errors).toEqual([]);
  expect([...statuses.keys()].sort()).toEqual([200, 400, 413]);
  expect(statuses.get(200)).toBeGreaterThan(50);
  expect(await server.pipeline([execute("PRAGMA integrity_check")])).toMatchObject({ status: 200 });
  expect(server.rows("PRAGMA integrity_check")).toEqual([["ok"]]);
});
