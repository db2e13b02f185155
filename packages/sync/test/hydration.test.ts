import { isLacunaError, type PageNo, type Transport } from "@lacuna/page";
import { memoryStore } from "@lacuna/storage/memory";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openReplica, type Progress, type Replica } from "../src/index.ts";
import { type Remote, startRemote } from "./served-database.ts";

let remote: Remote;
const open: Replica[] = [];

beforeEach(async () => {
  remote = await startRemote();
  remote.writer.exec(`
    CREATE INDEX by_body ON item(body);
    CREATE TABLE blob (id INTEGER PRIMARY KEY, body BLOB);
    INSERT INTO blob VALUES (1, zeroblob(300000)), (2, zeroblob(20000));
    CREATE TABLE small (k TEXT PRIMARY KEY, v) WITHOUT ROWID;
    INSERT INTO small VALUES ('a', 1);
    CREATE VIRTUAL TABLE note USING fts5(body);
    INSERT INTO note SELECT body FROM item LIMIT 20;`);
});

afterEach(async () => {
  for (const replica of open.splice(0)) await replica.close();
  await remote.close();
});

async function replicaOf(transport: Transport = remote.transport()): Promise<Replica> {
  const partial = { kind: "prefix", bytes: 4096 } as const;
  const replica = await openReplica({ store: memoryStore(), transport, partial, segmentBytes: 1 });
  open.push(replica);
  return replica;
}

/** The pages of tables and indexes, as SQLite itself says. */
function pagesOf(...names: string[]): PageNo[] {
  const sql = `SELECT pageno FROM dbstat WHERE name IN (${names.map(() => "?").join(", ")}) ORDER BY pageno`;
  return remote.writer
    .prepare(sql)
    .all(...names)
    .map((row) => row["pageno"] as PageNo);
}

async function held(replica: Replica): Promise<PageNo[]> {
  const snapshot = await replica.pager.snapshot();
  const pages: PageNo[] = [];
  for (let page = 1; page <= snapshot.pageCount; page++) {
    if (snapshot.holds?.(page as PageNo)) pages.push(page as PageNo);
  }
  snapshot.release();
  return pages;
}

const codeOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => "no error",
    (error: unknown) => (isLacunaError(error) ? error.code : error),
  );

describe("hydrating everything", () => {
  it("brings exactly the pages that are missing, in one request, and tells how far it is", async () => {
    const replica = await replicaOf();
    const before = remote.requests;
    const told: Progress[] = [];
    expect(await replica.hydrate({ kind: "all" }, { onProgress: (progress) => told.push(progress) })).toBe(
      true,
    );
    const { shape, residentPages, cache } = replica.stats();
    expect(residentPages).toBe(shape.pageCount);
    expect(remote.requests - before).toBe(1);
    expect(cache.causes.hydrate?.fetched).toBe(shape.pageCount - 1);
    const bytes = (shape.pageCount - 1) * shape.pageSize;
    expect(told.at(-1)).toEqual({ pages: shape.pageCount, pageCount: shape.pageCount, bytes });
    await replica.hydrate({ kind: "all" });
    expect(remote.requests - before).toBe(1);
  });

  it("fails with what the remote reported, and goes on from there the next time", async () => {
    const replica = await replicaOf();
    remote.offline = true;
    expect(await codeOf(replica.hydrate({ kind: "all" }))).toBe("NETWORK");
    remote.offline = false;
    await replica.hydrate({ kind: "all" });
    expect(replica.stats().residentPages).toBe(replica.stats().shape.pageCount);
  });

  it("ends when it is aborted", async () => {
    const replica = await replicaOf();
    const abort = new AbortController();
    const reason = new Error("enough");
    const hydrating = replica.hydrate({ kind: "all" }, { signal: abort.signal });
    abort.abort(reason);
    expect(await codeOf(hydrating)).toBe(reason);
    expect(await codeOf(replica.hydrate({ kind: "all" }, { signal: abort.signal }))).toBe(reason);
  });

  it("fails with REVISION_CHANGED when the remote moved on, after which the newest is brought", async () => {
    const replica = await replicaOf();
    remote.writer.exec("INSERT INTO item SELECT NULL, body FROM item LIMIT 30");
    expect(await codeOf(replica.hydrate({ kind: "all" }))).toBe("REVISION_CHANGED");
    await replica.hydrate({ kind: "all" });
    expect(replica.stats().residentPages).toBe(replica.stats().shape.pageCount);
  });
});

describe("hydrating a table", () => {
  it.each([
    ["with its index", "item", ["item", "by_body"]],
    ["with its overflow pages", "blob", ["blob"]],
    ["without row ids", "small", ["small"]],
    ["in any case of letters", "BLOB", ["blob"]],
    [
      "that is virtual, with those behind it",
      "note",
      ["note_data", "note_idx", "note_content", "note_docsize", "note_config"],
    ],
  ])("%s brings its pages and no others", async (_, name, trees) => {
    const replica = await replicaOf();
    const before = await held(replica);
    const schema = pagesOf("sqlite_schema");
    await replica.hydrate({ kind: "table", name });
    const expected = new Set([...before, ...schema, ...pagesOf(...trees)]);
    expect(await held(replica)).toEqual([...expected].sort((a, b) => a - b));
  });

  it("takes a request for each level", async () => {
    const replica = await replicaOf();
    const before = remote.requests;
    await replica.hydrate({ kind: "table", name: "blob" });
    // The root, which is the leaf, and the chains.
    expect(remote.requests - before).toBeLessThanOrEqual(3);
  });

  it("that does not exist is refused by name", async () => {
    const replica = await replicaOf();
    expect(await codeOf(replica.hydrate({ kind: "table", name: "nobody" }))).toBe("INVALID_OPTION");
  });
});

describe("hydrating a query", () => {
  const sql = "SELECT count(*) FROM item WHERE id BETWEEN 40 AND 60";

  it("brings what it touches in one request at the revision shown, and nothing the second time", async () => {
    const replica = await replicaOf();
    const before = remote.requests;
    expect(await replica.hydrate({ kind: "query", sql })).toBe(true);
    const first = await held(replica);
    expect(first.length).toBeGreaterThan(5);
    expect(first.length).toBeLessThan(30);
    await replica.hydrate({ kind: "query", sql });
    expect(remote.requests - before).toBe(2);
    const { traffic, cache } = replica.stats();
    expect(await held(replica)).toEqual(first);
    expect(cache.causes.hydrate?.fetched).toBe(first.length - 1);
    // The second answer held no page.
    expect(traffic.receivedBytes).toBeLessThan((first.length + 1) * 4096);
  });

  it("is not done where the remote runs no queries", async () => {
    const { queryPages, ...rest } = withoutQueries(remote.transport());
    expect(queryPages).toBeUndefined();
    const replica = await replicaOf(rest);
    const before = remote.requests;
    expect(await replica.hydrate({ kind: "query", sql })).toBe(false);
    expect(remote.requests).toBe(before);
  });

  it("is not done where the remote refuses it", async () => {
    const replica = await replicaOf();
    expect(await replica.hydrate({ kind: "query", sql: "DELETE FROM item" })).toBe(false);
  });

  it("fails with REVISION_CHANGED when the remote moved on, after which the newest is brought", async () => {
    const replica = await replicaOf();
    remote.writer.exec("INSERT INTO item SELECT NULL, body FROM item LIMIT 30");
    expect(await codeOf(replica.hydrate({ kind: "query", sql }))).toBe("REVISION_CHANGED");
    expect(await replica.hydrate({ kind: "query", sql })).toBe(true);
  });
});

/** The same transport as one to a static host would be. */
function withoutQueries(transport: Transport): Transport {
  return {
    open: (options) => transport.open(options),
    fetchPages: (request, options) => transport.fetchPages(request, options),
    traffic: () => transport.traffic(),
    close: () => transport.close(),
  };
}
