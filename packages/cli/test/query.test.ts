import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { handlerAsFetch, syncHandler } from "@lacuna/server";
import { openServedFile } from "@lacuna/server/node";
import { describe, expect, it, onTestFinished } from "vitest";
import { recordedOutput } from "./recorded-output.ts";
import { type RunOptions, run, start } from "./run.ts";
import { PEOPLE, temporaryDatabase, temporaryDirectory } from "./temporary-database.ts";

const ERASE_LINE = "\r\u001b[2K";
const SERVER = "http://server";

interface Remote {
  readonly fetch: typeof fetch;
  /** Requests so far. */
  count(): number;
}

/** The people on a server, reached without a network. */
async function remote(options: { authToken?: string; sql?: string } = {}): Promise<Remote> {
  const served = await openServedFile(temporaryDatabase(options.sql ?? PEOPLE, "people.db"));
  onTestFinished(() => served.close());
  const { authToken } = options;
  const reach = handlerAsFetch(syncHandler({ database: served, authToken }), SERVER);
  let requests = 0;
  return {
    fetch: (input, init) => {
      requests++;
      return reach(input, init);
    },
    count: () => requests,
  };
}

/** So slow that the live line comes up. */
function slowly({ fetch }: Remote): typeof globalThis.fetch {
  return async (input, init) => {
    await delay(150);
    return fetch(input, init);
  };
}

async function query(args: readonly string[], options: RunOptions = {}) {
  return run(["query", ...args], { ...options, fetch: options.fetch ?? (await remote()).fetch });
}

describe("query", () => {
  it("writes a table", async () => {
    const { code, out, err } = await query([SERVER, "SELECT id, name, score FROM people WHERE id < 3"]);
    expect(out).toBe(
      [
        "id  name      score",
        "──  ────────  ─────",
        " 1  person 1   0.25",
        " 2  person 2    0.5",
        "(2 rows)",
        "",
      ].join("\n"),
    );
    expect([code, err]).toEqual([0, ""]);
  });

  it("writes JSON with exact integers, and NULL and blobs as documented", async () => {
    const { out } = await query(["--json", SERVER, "SELECT * FROM people WHERE id > 4999 ORDER BY id"]);
    expect(out).toBe(
      '[{"id":5000,"name":"person 5000","age":50,"score":1250.0,"photo":"0000000000000000000000000000000000000000"},\n' +
        '{"id":9007199254740993,"name":"Zoë \\"Z\\", née 張","age":null,"score":1.0,"photo":"00ff"}]\n',
    );
  });

  it("writes CSV", async () => {
    const { out } = await query([
      "--csv",
      SERVER,
      "SELECT * FROM people WHERE id > 4999 ORDER BY id DESC LIMIT 1",
    ]);
    expect(out).toBe('id,name,age,score,photo\r\n9007199254740993,"Zoë ""Z"", née 張",,1.0,00ff\r\n');
  });

  it("writes results of several statements one after the other", async () => {
    const sql = ["SELECT 1 AS a; SELECT 2 AS b", "SELECT 3 AS c"];
    expect((await query(["--json", SERVER, ...sql])).out).toBe('[{"a":1}]\n[{"b":2}]\n[{"c":3}]\n');
    expect((await query(["--csv", SERVER, ...sql])).out).toBe("a\r\n1\r\n\r\nb\r\n2\r\n\r\nc\r\n3\r\n");
    expect((await query([SERVER, ...sql])).out.split("\n\n")).toHaveLength(3);
  });

  it("reads SQL from the input", async () => {
    const { out } = await query(["--csv", SERVER, "-"], {
      input: "-- people\nSELECT count(*) AS n FROM people;\n",
    });
    expect(out).toBe("n\r\n5001\r\n");
  });

  it("binds parameters", async () => {
    const sql = "SELECT typeof(:a) AS a, typeof(@b) AS b, typeof($c) AS c, $c = 9007199254740993 AS exact";
    const params = ["--param", "a=42", "--param", "b=forty-two", "--param", "c=9007199254740993"];
    const { out } = await query(["--json", ...params, SERVER, sql]);
    expect(out).toBe('[{"a":"integer","b":"text","c":"integer","exact":1}]\n');
  });

  it("gives each of several statements the parameters it names", async () => {
    const sql = "SELECT :a AS a; SELECT @b AS b, :a AS a; SELECT 3 AS c";
    const { out } = await query(["--json", "--param", "a=1", "--param", "b=2", SERVER, sql]);
    expect(out).toBe('[{"a":1}]\n[{"b":2,"a":1}]\n[{"c":3}]\n');
  });

  it("opens a static host, a local path and a file URL", async () => {
    const sql = "SELECT count(*) AS n FROM people";
    const { fetch } = await remote();
    expect((await query(["--csv", "--remote", "static", `${SERVER}/people.db`, sql], { fetch })).out).toBe(
      "n\r\n5001\r\n",
    );
    expect((await query(["--csv", `${SERVER}/people.db`, sql], { fetch })).out).toBe("n\r\n5001\r\n");
    const file = temporaryDatabase(PEOPLE);
    expect(await run(["query", "--csv", file, sql])).toEqual({ code: 0, out: "n\r\n5001\r\n", err: "" });
    expect((await run(["query", "--csv", `file://${file}`, sql])).out).toBe("n\r\n5001\r\n");
  });

  it("tells what a query cost", async () => {
    const { fetch, count } = await remote();
    const { err } = await query(["--stats", SERVER, "SELECT name FROM people WHERE id = 4000"], { fetch });
    const match =
      /^1 row, (\d+) requests?, (\d+) of \d+ pages, [\d.]+ KiB \(\d+ % of [\d.]+ KiB\), \d+ ms\n$/.exec(err);
    expect(Number(match?.[1])).toBe(count());
    expect(Number(match?.[2])).toBeGreaterThan(0);
  });

  it("keeps a replica that needs no request the next time", async () => {
    const path = join(temporaryDirectory(), "replica.db");
    const { fetch, count } = await remote();
    const args = ["--csv", "--path", path, SERVER, "SELECT name FROM people WHERE id = 4000"];
    const first = await query(args, { fetch });
    const requests = count();
    expect(await query(args, { fetch })).toEqual(first);
    expect([first.code, count()]).toEqual([0, requests]);
  });

  it("brings less with a small prefix and small segments", async () => {
    const received = async (...args: string[]): Promise<number> => {
      const { fetch } = await remote();
      const { err } = await query(["--stats", ...args, SERVER, "SELECT name FROM people WHERE id = 4000"], {
        fetch,
      });
      return Number(/, (\d+) of \d+ pages/.exec(err)?.[1]);
    };
    expect(await received("--prefix", "4k", "--segment-size", "4096", "--no-prefetch")).toBeLessThan(8);
    expect(await received()).toBeGreaterThanOrEqual(32);
  });

  it.each([
    [["--auth-token", "s3cret"], {}],
    [[], { LACUNA_AUTH_TOKEN: "s3cret" }],
  ])("presents the token of %j %j", async (args, env) => {
    const { fetch } = await remote({ authToken: "s3cret" });
    const { code, out } = await query(["--csv", ...args, SERVER, "SELECT 1 AS one"], { fetch, env });
    expect([code, out]).toEqual([0, "one\r\n1\r\n"]);
  });

  it("fails with the code of the error", async () => {
    const { fetch } = await remote({ authToken: "s3cret" });
    const refused = await query([SERVER, "SELECT 1"], { fetch });
    expect([refused.code, refused.out]).toEqual([1, ""]);
    expect(refused.err).toMatch(/^error: .+ \(UNAUTHORIZED\)\n$/);
    const wrong = await query([SERVER, "SELECT * FROM nobody"]);
    expect(wrong).toMatchObject({ code: 1, out: "" });
    expect(wrong.err).toMatch(/^error: .*no such table: nobody.* \(SQL\)\n$/);
    const missing = await run(["query", join(temporaryDirectory(), "none.db"), "SELECT 1"]);
    expect(missing.code).toBe(1);
    expect(missing.err).toMatch(/^error: .+ \([A-Z_]+\)\n$/);
  });

  it("keeps the rows that came before a failure", async () => {
    const { code, out, err } = await query([
      "--csv",
      SERVER,
      "SELECT 1 AS a; SELECT * FROM nobody; SELECT 2 AS b",
    ]);
    expect([code, out]).toEqual([1, "a\r\n1\r\n"]);
    expect(err).toContain("no such table");
  });

  it("ends quietly when nobody reads its output any more", async () => {
    const stdout = recordedOutput({ breaksAfter: 1 });
    const { code, err } = await query(["--csv", SERVER, "SELECT a.id, b.* FROM people a, people b"], {
      stdout,
    });
    expect([code, err]).toEqual([0, ""]);
  });

  it("stops waiting when it is interrupted", async () => {
    const asked = Promise.withResolvers<void>();
    const silent: typeof fetch = (_, init) => {
      asked.resolve();
      return new Promise((_, reject) => {
        init?.signal?.addEventListener("abort", () => reject(init.signal?.reason), { once: true });
      });
    };
    const running = start(["query", SERVER, "SELECT 1"], { fetch: silent });
    await asked.promise;
    running.stop();
    expect([await running.code, running.stderr.text()]).toEqual([130, ""]);
  });

  it("stops computing when it is interrupted", async () => {
    const { fetch } = await remote();
    const endless =
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n WHERE i % 100000 = 1";
    const running = start(["query", "--csv", SERVER, endless], { fetch });
    await running.stdout.holds("100001");
    running.stop();
    expect([await running.code, running.stderr.text()]).toEqual([130, ""]);
  });

  it("shows what it has cost so far on a terminal, and takes it away", async () => {
    const stderr = recordedOutput({ isTTY: true, columns: 100 });
    const args = ["--csv", "--prefix", "0", SERVER, "SELECT count(*) AS n FROM people"];
    const { code, out, err } = await query(args, { fetch: slowly(await remote()), stderr });
    expect([code, out]).toEqual([0, "n\r\n5001\r\n"]);
    expect(err).toMatch(/\d+ requests?, \d+ of \d+ pages, [\d.]+ Ki?B/);
    expect(stderr.writes.at(-1)).toBe(ERASE_LINE);
  });

  it("takes the line away before it says what went wrong", async () => {
    const stderr = recordedOutput({ isTTY: true, columns: 100 });
    const args = ["--prefix", "0", SERVER, "SELECT * FROM nobody"];
    expect(await query(args, { fetch: slowly(await remote()), stderr })).toMatchObject({ code: 1 });
    expect(stderr.writes.slice(-2)).toEqual([ERASE_LINE, expect.stringContaining("no such table")]);
  });

  it("fits a table to the terminal", async () => {
    const stdout = recordedOutput({ isTTY: true, columns: 40 });
    await query([SERVER, "SELECT id, name, hex(photo), hex(photo) FROM people LIMIT 3"], { stdout });
    for (const line of stdout.text().split("\n")) expect(line.length).toBeLessThanOrEqual(40);
  });
});
