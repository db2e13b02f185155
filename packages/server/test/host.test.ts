import { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  type HostHandlerOptions,
  handlerAsFetch,
  hostHandler,
  isDatabaseName,
  Metrics,
  parseAccessTokens,
  type RequestRecord,
  syncHandler,
  withOperations,
  withRequestRecords,
} from "../src/index.ts";
import {
  openServedDirectory,
  type ServedDirectory,
  type ServedDirectoryOptions,
  serveNode,
  withCompression,
} from "../src/node/index.ts";
import { makeDatabase, pull, serve, temporaryDirectory } from "./database-fixture.ts";

function database(path: string, text: string): void {
  const made = new DatabaseSync(path);
  made.exec(`CREATE TABLE t(v); INSERT INTO t VALUES ('${text}')`);
  made.close();
}

interface Host {
  readonly root: string;
  readonly directory: ServedDirectory;
  readonly fetch: typeof fetch;
  /** The value of `t` in a database, told by the server. */
  readValue(base: string): Promise<unknown>;
}

async function host(
  options: ServedDirectoryOptions & Partial<HostHandlerOptions> = {},
  origin = "http://server",
): Promise<Host> {
  const outer = temporaryDirectory();
  const root = join(outer, "databases");
  mkdirSync(join(root, "folder"), { recursive: true });
  database(join(root, "notes.db"), "of notes");
  database(join(root, "plain"), "of plain");
  database(join(outer, "secret.db"), "of nobody");
  database(join(root, "folder", "deep.db"), "of the deep");
  symlinkSync(join(outer, "secret.db"), join(root, "link.db"));
  const directory = await openServedDirectory(root, options);
  onTestFinished(() => directory.close());
  const server = handlerAsFetch(hostHandler({ ...options, databases: directory }), origin);
  return {
    root,
    directory,
    fetch: server,
    readValue: async (base) => {
      const requests = [{ type: "execute", stmt: { sql: "SELECT v FROM t" } }];
      const response = await server(`${base}/v2/pipeline`, {
        method: "POST",
        body: JSON.stringify({ requests }),
      });
      const body = (await response.json()) as {
        results: { response: { result: { rows: { value: string }[][] } } }[];
      };
      return response.status === 200 ? body.results[0]?.response.result.rows[0]?.[0]?.value : response.status;
    },
  };
}

describe("a directory of databases", () => {
  it("is listed, and each is served below its name", async () => {
    const { fetch: server, readValue } = await host();
    expect(await (await server("http://server/")).json()).toEqual({ databases: ["notes", "plain"] });
    expect(await readValue("http://server/notes")).toBe("of notes");
    expect(await readValue("http://server/notes.db")).toBe("of notes");
    expect(await readValue("http://server/plain")).toBe("of plain");
    const file = await server("http://server/notes/notes.db", { headers: { range: "bytes=0-5" } });
    expect([file.status, await file.text()]).toEqual([206, "SQLite"]);
    const pages = await server("http://server/notes/pull-updates", { method: "POST" });
    expect([pages.status, (await pages.arrayBuffer()).byteLength > 4096]).toEqual([200, true]);
  });

  it("is served by host name where there is a domain", async () => {
    const at = async (origin: string) => (await host({ domain: "Example.com" }, origin)).readValue(origin);
    expect(await at("http://notes.example.com")).toBe("of notes");
    expect(await at("http://nothing.example.com:8080")).toBe(404);
  });

  it("leads nowhere else", async () => {
    const { fetch: server, directory } = await host();
    const ways = [
      "../secret.db",
      "..%2fsecret.db",
      "%2e%2e%2fsecret.db",
      "..%5csecret.db",
      "link",
      "link.db",
      "folder",
      "folder%2fdeep.db",
      "notes.db-wal",
      ".",
      "%00",
      "%ff",
      "notes.db%00",
      "%",
      "con",
      `${"a".repeat(65)}`,
    ];
    for (const way of ways) {
      for (const rest of ["", "/", "/pull-updates", "/secret.db"]) {
        const response = await server(`http://server/${way}${rest}`);
        expect([way, rest, response.status, (await response.text()).includes("SQLite")]).toEqual([
          way,
          rest,
          expect.any(Number),
          false,
        ]);
        // "." and ".." are resolved before they are sent; what is left may be the list.
        if (new URL(`http://server/${way}${rest}`).pathname !== "/") expect(response.status).toBe(404);
      }
    }
    expect(directory.openDatabases).toBe(0);
  });

  it("opens what is asked for, and closes it when nobody does any more", async () => {
    const { directory, fetch: server, readValue } = await host({ idleMs: 10 });
    expect(directory.openDatabases).toBe(0);
    const answer = await server("http://server/notes/notes.db");
    expect(directory.openDatabases).toBe(1);
    await readValue("http://server/plain");
    await expect.poll(() => directory.openDatabases).toBe(1);
    await answer.arrayBuffer();
    await expect.poll(() => directory.openDatabases).toBe(0);
    expect(await readValue("http://server/notes")).toBe("of notes");
  });

  it("opens again what is just being closed, after that", async () => {
    const { directory } = await host({ idleMs: 0, file: { history: true } });
    for (let round = 0; round < 3; round++) {
      (await directory.lend("notes"))?.release();
      while (directory.openDatabases > 0) await new Promise((resolve) => setImmediate(resolve));
    }
    const loan = await directory.lend("notes");
    expect(loan?.database.name).toBe("notes.db");
    loan?.release();
  });

  it("may have a database called history, and lists none of those that belong to others", async () => {
    const { root, fetch: server, readValue } = await host({ file: { history: true } });
    database(join(root, "order-history.db"), "of orders");
    expect(await readValue("http://server/order-history")).toBe("of orders");
    expect(await readValue("http://server/notes")).toBe("of notes");
    expect(existsSync(join(root, "notes.db-history"))).toBe(true);
    const names = ["notes", "order-history", "plain"];
    expect(await (await server("http://server/")).json()).toEqual({ databases: names });
    for (const ending of ["", "-wal", "-shm"]) {
      expect((await server(`http://server/notes.db-history${ending}/`)).status).toBe(404);
    }
  });

  it("tells nothing to who has no token", async () => {
    const { fetch: server } = await host({ authToken: "s3cret" });
    for (const path of ["", "notes", "nothing", "notes/pull-updates"]) {
      const response = await server(`http://server/${path}`);
      expect([response.status, await response.json()]).toMatchObject([401, { code: "UNAUTHORIZED" }]);
      expect(response.headers.get("access-control-allow-origin")).toBe("*");
    }
  });

  it("that is a file, or a file that is no database, is told", async () => {
    const { root, fetch: server } = await host();
    await expect(openServedDirectory(join(root, "notes.db"))).rejects.toMatchObject({ code: "STORAGE" });
    writeFileSync(join(root, "letter.db"), "Dear SQLite, this is a letter and no database.".repeat(20));
    const response = await server("http://server/letter/");
    expect([response.status, await response.json()]).toMatchObject([500, { code: "NOT_A_DATABASE" }]);
  });
});

it.each([
  ["notes", true],
  ["Notes-2.db", true],
  ["", false],
  [".hidden", false],
  ["-option", false],
  ["a..b", false],
  ["a/b", false],
  ["a\\b", false],
  ["a b", false],
  ["NUL.db", false],
  ["metrics", false],
  ["v2", false],
  ["ä", false],
])("%j is a name of a database: %s", (name, is) => {
  expect(isDatabaseName(name)).toBe(is);
});

describe("a list of tokens", () => {
  it("has one to a line, with what it is for", () => {
    const text = "# ours\r\nwriter\n\n  read  reader \nwrite w2\n";
    expect(parseAccessTokens(text)).toEqual([
      { token: "writer", access: "write" },
      { token: "reader", access: "read" },
      { token: "w2", access: "write" },
    ]);
  });

  it("with another line is refused, and the token is not told", () => {
    expect(() => parseAccessTokens("a\nadmin s3cret")).toThrow(
      "line 2 of the tokens must be: [read|write] TOKEN",
    );
    expect(() => parseAccessTokens("a b c")).toThrow(/line 1/);
  });
});

describe("compression", () => {
  const compressing = async (
    encoding?: string,
    path = "/pull-updates",
    file = makeDatabase().path,
  ): Promise<Response> => {
    const handler = withCompression(syncHandler({ database: await serve(file) }));
    const init = path === "/pull-updates" ? { method: "POST" } : {};
    const headers = encoding === undefined ? {} : { "accept-encoding": encoding };
    return handler(new Request(`http://server${path}`, { ...init, headers }));
  };

  it("is what the client asks for by name", async () => {
    const { path } = makeDatabase();
    const plain = new Uint8Array(await (await compressing(undefined, undefined, path)).arrayBuffer());
    const gzip = await compressing("br, gzip;q=0.5", undefined, path);
    expect(gzip.headers.get("content-encoding")).toBe("gzip");
    expect(gzip.headers.get("vary")).toContain("accept-encoding");
    const packed = new Uint8Array(await gzip.arrayBuffer());
    expect(packed.length).toBeLessThan(plain.length / 4);
    expect(new Uint8Array(gunzipSync(packed))).toEqual(plain);
    if (typeof zstdDecompressSync !== "function") return;
    const zstd = await compressing("gzip, zstd", undefined, path);
    expect(zstd.headers.get("content-encoding")).toBe("zstd");
    expect(new Uint8Array(zstdDecompressSync(await zstd.arrayBuffer()))).toEqual(plain);
  });

  it.each(["application/protobuf", "*", "identity", "gzip;q=0", ""])(
    "is not done for %j",
    async (encoding) => {
      const response = await compressing(encoding);
      expect(response.headers.get("content-encoding")).toBeNull();
      await response.arrayBuffer();
    },
  );

  it("leaves files and refusals alone", async () => {
    const file = await compressing("gzip", "/app.db");
    expect([file.headers.get("content-encoding"), file.headers.get("content-length")]).toEqual([
      null,
      expect.any(String),
    ]);
    await file.arrayBuffer();
    const missing = await compressing("gzip", "/nothing");
    expect([missing.status, await missing.json()]).toMatchObject([404, { code: "NOT_FOUND" }]);
  });
});

describe("pages for caches", () => {
  it("are the bytes of a revision, for ever", async () => {
    const { path, commit } = makeDatabase({ journal: "wal" });
    const server = handlerAsFetch(syncHandler({ database: await serve(path, { history: true }) }));
    commit(1);
    const { header, file } = await pull(server);
    const url = (first: number, last: number) =>
      `http://server/pages/${encodeURIComponent(header.serverRevision)}/${first}-${last}`;
    commit(2);
    const response = await server(url(1, 3));
    expect(response.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
    expect(response.headers.get("content-length")).toBe("12288");
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(file.subarray(4096, 4 * 4096));
    const again = await server(url(1, 3), {
      headers: { "if-none-match": response.headers.get("etag") ?? "" },
    });
    expect(again.status).toBe(304);
    const end = await server(url(header.pageCount - 1, 4_000_000_000));
    expect((await end.arrayBuffer()).byteLength).toBe(4096);
    for (const [first, last] of [
      [header.pageCount, header.pageCount],
      [3, 2],
    ] as const) {
      expect((await server(url(first, last))).status).toBe(404);
    }
    expect((await server("http://server/pages/gone/0-0")).status).toBe(410);
    expect((await server("http://server/pages/0-0")).status).toBe(404);
  });

  it("that need a token are not for caches that people share", async () => {
    const { path } = makeDatabase();
    const database = await serve(path);
    const view = await database.open();
    await view.close();
    const server = handlerAsFetch(syncHandler({ database, authToken: "s" }));
    const url = `http://server/pages/${encodeURIComponent(view.revision)}/0-0`;
    const response = await server(url, { method: "HEAD", headers: { authorization: "Bearer s" } });
    expect([response.status, response.headers.get("cache-control")]).toEqual([
      200,
      "private, max-age=31536000, immutable",
    ]);
  });
});

describe("operations", () => {
  it("count and record requests, pages and bytes", async () => {
    const { path } = makeDatabase();
    const metrics = new Metrics();
    metrics.gauge("open_streams", "Open streams.", () => 7);
    const records: RequestRecord[] = [];
    const database = metrics.count(await serve(path));
    const handler = syncHandler({ database, authToken: "s", chunkBytes: 4096 });
    const recorded = withRequestRecords(handler, (record) => {
      metrics.record(record);
      records.push(record);
    });
    const server = handlerAsFetch(withOperations(recorded, { metrics, authToken: "s" }));
    const headers = { authorization: "Bearer s" };
    const file = await server("http://server/app.db", { headers: { ...headers, range: "bytes=0-99" } });
    await file.arrayBuffer();
    await (await server("http://server/strange/one")).arrayBuffer();
    const left = await server("http://server/app.db", { headers });
    await left.body?.cancel();
    expect(records).toMatchObject([
      { method: "GET", path: "/app.db", range: "bytes=0-99", status: 206, bytes: 100, aborted: false },
      { path: "/strange/one", range: undefined, status: 401, aborted: false },
      { path: "/app.db", status: 200, aborted: true },
    ]);
    expect((await server("http://server/metrics")).status).toBe(401);
    const text = await (await server("http://server/metrics", { headers })).text();
    expect(text).toContain('lacuna_requests_total{method="GET",route="other",status="206"} 1\n');
    expect(text).toContain('lacuna_request_duration_seconds_count{route="other"} 3\n');
    expect(text).toContain("lacuna_responses_aborted_total 1\n");
    expect(text).toMatch(/^lacuna_pages_total [1-9]/m);
    expect(text).toContain("lacuna_open_streams 7\n");
    for (const line of text.trimEnd().split("\n")) {
      expect(line).toMatch(/^(# (HELP|TYPE) \w+ .+|\w+(\{[^}]*\})? \S+)$/);
    }
  });

  it("tell whether all is well", async () => {
    const metrics = new Metrics();
    const handler = async () => new Response("inner");
    const health = async (check?: () => Promise<unknown>) => {
      const response = await handlerAsFetch(withOperations(handler, { metrics, check }))(
        "http://server/health",
      );
      return response.status;
    };
    expect(await health()).toBe(200);
    expect(await health(() => Promise.reject(new Error("no")))).toBe(503);
  });

  it("end a connection that is too slow to ask", async () => {
    const server = await serveNode({
      handler: async () => new Response("inner"),
      port: 0,
      requestTimeoutMs: 50,
    });
    onTestFinished(() => server.close());
    const socket = connect(server.port, server.host);
    socket.write("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n");
    const answer = await new Promise<string>((resolve) => {
      let text = "";
      socket.on("data", (data) => (text += data));
      socket.on("close", () => resolve(text));
    });
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
  });
});
