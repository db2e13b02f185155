import { copyFile, readdir, readFile, truncate, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { syncHandler } from "@lacuna/server";
import { openServedFile, serveNode } from "@lacuna/server/node";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type ConnectOptions, connect, type Database, isLacunaError } from "../src/index.ts";
import { type RemoteFile, serveRemoteFile } from "./remote-file.ts";

let remote: RemoteFile;
const open: Database[] = [];

beforeEach(async () => {
  remote = await serveRemoteFile();
});

afterEach(async () => {
  for (const db of open.splice(0)) await db.close();
  await remote.close();
});

const LOOKUP = "SELECT name FROM person WHERE id = 3000";
const ANSWER = [{ name: "name 1000" }];

async function opened(options: Partial<ConnectOptions> = {}): Promise<Database> {
  const db = await connect({
    path: ":memory:",
    url: remote.syncUrl,
    fetch: remote.fetch,
    attempts: 1,
    partialSync: { bootstrapStrategy: { kind: "prefix", length: 4096 }, segmentSize: 4096, prefetch: false },
    ...options,
  });
  open.push(db);
  return db;
}

/** The code of the failure, which has to come. */
async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    if (isLacunaError(error)) return error.code;
    throw error;
  }
  throw new Error("it did not fail");
}

/** The answer to a request for pages with every page changed by `change`. */
const status = (code: number, body = "no"): (() => Promise<Response>) => {
  return async () => new Response(body, { status: code });
};

describe.each(["jspi", "restart"] as const)("a remote that fails, with driver %s", (driver) => {
  it("between any two fetches of a statement leaves a typed error, and the statement succeeds afterwards", async () => {
    const sql =
      "SELECT id, length(note) FROM person WHERE name IN ('name 17', 'name 1717', 'name 2900') ORDER BY id";
    const expected = remote.authority
      .prepare(sql)
      .all()
      .map((row) => ({ ...row }));
    const undisturbed = await opened({ driver });
    const before = remote.requests;
    expect(await undisturbed.all(sql)).toEqual(expected);
    const fetches = remote.requests - before;
    expect(fetches).toBeGreaterThan(3);
    for (let good = 0; good < fetches; good++) {
      const db = await opened({ driver });
      let left = good;
      remote.intercept = async (_, pass) => {
        if (left-- > 0) return pass();
        throw new TypeError("connection refused");
      };
      await expect(db.all(sql)).rejects.toMatchObject({ code: "NETWORK", page: expect.any(Number) });
      remote.intercept = undefined;
      expect(await db.all(sql)).toEqual(expected);
    }
  });

  it.each([
    ["does not answer", "TIMEOUT", () => new Promise<Response>(() => {})],
    ["wants other credentials", "UNAUTHORIZED", status(401)],
    ["breaks", "HTTP_STATUS", status(500)],
    ["answers with nothing", "SHORT_READ", status(200, "")],
    ["answers with garbage", "PROTOCOL", status(200, "\u0005hello, this is no page")],
  ])("that %s is a typed error, and the database is usable again", async (_, code, answer) => {
    // A short time-out only where it is what is awaited: under load, answers take their time.
    const db = await opened({ driver, ...(code === "TIMEOUT" ? { timeoutMs: 250 } : {}) });
    remote.intercept = answer;
    const found = await codeOf(db.all(LOOKUP));
    if (code === "SHORT_READ" || code === "PROTOCOL") expect(["SHORT_READ", "PROTOCOL"]).toContain(found);
    else expect(found).toBe(code);
    remote.intercept = undefined;
    expect(await db.all(LOOKUP)).toEqual(ANSWER);
  });

  it("that is tried again answers in the end", async () => {
    const db = await opened({ driver, attempts: 3 });
    let failures = 2;
    remote.intercept = async (_, pass) => (failures-- > 0 ? new Response("busy", { status: 503 }) : pass());
    expect(await db.all(LOOKUP)).toEqual(ANSWER);
  });

  it("that serves another revision is a typed error once, and the next statement sees the new state", async () => {
    const db = await opened({ driver });
    remote.authority.exec("UPDATE person SET name = 'changed' WHERE id = 3000");
    expect(await codeOf(db.all(LOOKUP))).toBe("REVISION_CHANGED");
    expect(await db.all(LOOKUP)).toEqual([{ name: "changed" }]);
  });

  it("on a static host that replaces the file is a typed error once, and the next statement sees the new file", async () => {
    const db = await opened({ driver, url: remote.staticUrl });
    remote.authority.exec("UPDATE person SET name = 'changed' WHERE id = 3000");
    expect(await codeOf(db.all(LOOKUP))).toBe("REVISION_CHANGED");
    expect(await db.all(LOOKUP)).toEqual([{ name: "changed" }]);
  });

  it("on a static host that ignores ranges is a typed error, not a download", async () => {
    const db = await opened({ driver, url: remote.staticUrl });
    remote.intercept = async (request) => {
      const headers = new Headers(request.headers);
      headers.delete("range");
      headers.delete("if-range");
      return remoteWithout(headers);
    };
    const remoteWithout = async (headers: Headers): Promise<Response> => {
      remote.intercept = undefined;
      return remote.fetch(remote.staticUrl, { headers });
    };
    expect(await codeOf(db.all(LOOKUP))).toBe("RANGE_UNSUPPORTED");
    expect(await db.all(LOOKUP)).toEqual(ANSWER);
    expect((await db.stats()).networkReceivedBytes).toBeLessThan(200_000);
  });

  it("with a garbage page is a typed error", async () => {
    const db = await opened({ driver });
    remote.intercept = async (_, pass) => {
      const body = new Uint8Array(await (await pass()).arrayBuffer());
      // Everything after the frame of the header: a few length bytes in, the pages' own bytes.
      body.fill(0xa5, body.length - 4000);
      return new Response(body);
    };
    expect(["CORRUPT_PAGE", "SQL"]).toContain(await codeOf(db.all(LOOKUP)));
  });

  it("is given up when the signal says so, and only by that call", async () => {
    const db = await opened({ driver });
    const controller = new AbortController();
    let answer = (): void => {};
    const wait = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const asked = new Promise<void>((resolve) => {
      remote.intercept = async (_, pass) => {
        resolve();
        await wait;
        return pass();
      };
    });
    const given = db.with({ signal: controller.signal }).all(LOOKUP);
    const other = db.all(LOOKUP);
    await asked;
    const reason = new Error("enough");
    controller.abort(reason);
    await expect(given).rejects.toBe(reason);
    answer();
    expect(await other).toEqual(ANSWER);
  });

  it("ends with CLOSED when the database is closed meanwhile", async () => {
    const db = await opened({ driver });
    remote.intercept = () => new Promise(() => {});
    const lookup = codeOf(db.all(LOOKUP));
    await db.close();
    expect(await lookup).toBe("CLOSED");
    expect(await codeOf(db.all("SELECT 1"))).toBe("CLOSED");
  });
});

describe("a URL", () => {
  it.each([
    ["of a web page", "<!doctype html><title>hello</title>"],
    ["of something that is no database", "just text"],
  ])("%s is NOT_A_DATABASE", async (_, body) => {
    remote.intercept = async () => new Response(body, { headers: { "content-type": "text/html" } });
    expect(await codeOf(opened())).toBe("NOT_A_DATABASE");
    expect(await codeOf(opened({ url: remote.staticUrl }))).toBe("NOT_A_DATABASE");
  });

  it("that is none is INVALID_OPTION", async () => {
    expect(await codeOf(opened({ url: "" }))).toBe("INVALID_OPTION");
    expect(await codeOf(opened({ url: "ftp://server/x.db" }))).toBe("INVALID_OPTION");
  });

  it("that asks for a query bootstrap of a server that has none says so", async () => {
    const partialSync = { bootstrapStrategy: { kind: "query", query: LOOKUP } } as const;
    const served = await openServedFile(join(remote.directory, "remote.db"));
    remote.intercept = syncHandler({ database: served, queries: false });
    expect(await codeOf(opened({ partialSync }))).toBe("NOT_SUPPORTED");
    expect(await codeOf(opened({ partialSync, url: remote.staticUrl }))).toBe("NOT_SUPPORTED");
    await served.close();
  });
});

describe("a real server that is stopped", () => {
  it("fails the statement with NETWORK, and the same statement succeeds when it is back", async () => {
    const served = await openServedFile(join(remote.directory, "remote.db"));
    const handler = syncHandler({ database: served });
    const first = await serveNode({ handler, port: 0 });
    const { port } = new URL(first.url);
    const db = await opened({ url: first.url, fetch: undefined });
    await first.close();
    await expect(db.all(LOOKUP)).rejects.toMatchObject({ code: "NETWORK", page: expect.any(Number) });
    const second = await serveNode({ handler, port: Number(port) });
    expect(await db.all(LOOKUP)).toEqual(ANSWER);
    await second.close();
    await served.close();
  });

  it("that accepts connections and says nothing is a TIMEOUT", async () => {
    const mute = createServer(() => {});
    await new Promise<void>((resolve) => mute.listen(0, "127.0.0.1", resolve));
    const { port } = mute.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}`;
    expect(await codeOf(opened({ url, fetch: undefined, timeoutMs: 50 }))).toBe("TIMEOUT");
    mute.closeAllConnections();
    mute.close();
  });
});

describe("a path", () => {
  const at = (name: string): string => join(remote.directory, name);

  it("serves what it holds with the remote switched off, and names the page it lacks", async () => {
    const db = await opened({ path: at("replica.db") });
    expect(await db.all(LOOKUP)).toEqual(ANSWER);
    await db.close();
    remote.intercept = () => Promise.reject(new TypeError("connection refused"));
    const requests = remote.requests;
    const again = await opened({ path: at("replica.db") });
    expect(await again.all(LOOKUP)).toEqual(ANSWER);
    expect(remote.requests).toBe(requests);
    await expect(again.all("SELECT count(*) FROM person")).rejects.toMatchObject({
      code: "NETWORK",
      page: expect.any(Number),
    });
  });

  it("serves what it holds without a url, and says OFFLINE for the rest", async () => {
    await (await opened({ path: at("replica.db") })).close();
    const again = await connect({ path: at("replica.db") });
    open.push(again);
    await expect(again.all("SELECT count(*) FROM person")).rejects.toMatchObject({
      code: "OFFLINE",
      page: expect.any(Number),
    });
  });

  it("is a plain SQLite file once everything is here", async () => {
    const db = await opened({ path: at("replica.db"), partialSync: undefined });
    await db.close();
    const plain = new DatabaseSync(at("replica.db"), { readOnly: true });
    expect(plain.prepare("PRAGMA integrity_check").get()).toEqual({ integrity_check: "ok" });
    expect(plain.prepare("SELECT count(*) AS n FROM person").get()).toEqual({ n: 4000 });
    plain.close();
  });

  it.each([
    ["an unrelated file", "some notes"],
    ["another database", undefined],
  ])("that holds %s is left alone", async (_, text) => {
    if (text === undefined) await copyFile(at("remote.db"), at("mine.db"));
    else await writeFile(at("mine.db"), text);
    const before = await readFile(at("mine.db"));
    const files = await readdir(remote.directory);
    expect(await codeOf(opened({ path: at("mine.db") }))).toBe("NOT_A_REPLICA");
    expect(await readFile(at("mine.db"))).toEqual(before);
    expect(await readdir(remote.directory)).toEqual(files);
  });

  it("in use is LOCKED until its owner closes it", async () => {
    const owner = await opened({ path: at("replica.db") });
    expect(await codeOf(opened({ path: at("replica.db") }))).toBe("LOCKED");
    await owner.close();
    expect(await (await opened({ path: at("replica.db") })).all(LOOKUP)).toEqual(ANSWER);
  });

  it("with a corrupt PATH-info is REPLICA_CORRUPT, and usable once it is gone", async () => {
    await (await opened({ path: at("replica.db") })).close();
    await writeFile(at("replica.db-info"), "not what it was");
    expect(await codeOf(opened({ path: at("replica.db") }))).toBe("REPLICA_CORRUPT");
    expect(await readFile(at("replica.db-info"), "utf8")).toBe("not what it was");
  });

  it("whose pages were torn fetches them again", async () => {
    const db = await opened({ path: at("replica.db") });
    expect(await db.all(LOOKUP)).toEqual(ANSWER);
    await db.close();
    await truncate(at("replica.db"), 6000);
    expect(await (await opened({ path: at("replica.db") })).all(LOOKUP)).toEqual(ANSWER);
  });

  it("of a replica of another remote is refused by name", async () => {
    await (await opened({ path: at("replica.db") })).close();
    const other = opened({ path: at("replica.db"), url: "http://elsewhere" });
    await expect(other).rejects.toThrow("http://server");
  });
});
