import { isLacunaError, type PageNo, type PageStore, pageNo } from "@lacuna/page";
import type { Snapshot } from "@lacuna/pager";
import { memoryStore } from "@lacuna/storage/memory";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { openReplica, type Progress, type Replica } from "../src/index.ts";
import { type Remote, startRemote } from "./served-database.ts";

let remote: Remote;
const open: Replica[] = [];

beforeEach(async () => {
  remote = await startRemote();
});

afterEach(async () => {
  for (const replica of open.splice(0)) await replica.close();
  await remote.close();
});

async function replicaOf(options: Partial<Parameters<typeof openReplica>[0]> = {}): Promise<Replica> {
  const replica = await openReplica({
    store: memoryStore(),
    transport: remote.transport(),
    partial: { kind: "prefix", bytes: 16_384 },
    segmentBytes: 16_384,
    prefetch: false,
    ...options,
  });
  open.push(replica);
  return replica;
}

/** A store that outlives the replica over it, as files do. */
function lasting(): PageStore {
  return new Proxy(memoryStore(), {
    get(store, name) {
      if (name === "close") return () => store.flush();
      const member: unknown = Reflect.get(store, name);
      return typeof member === "function" ? member.bind(store) : member;
    },
  });
}

async function read(replica: Replica, page: number): Promise<Uint8Array> {
  const snapshot = await replica.pager.snapshot();
  try {
    return (await snapshot.read(pageNo(page))).slice();
  } finally {
    snapshot.release();
  }
}

const codeOf = async (promise: Promise<unknown>): Promise<string> => {
  try {
    await promise;
  } catch (error) {
    if (isLacunaError(error)) return error.code;
    throw error;
  }
  return "no error";
};

describe("a new partial replica", () => {
  it("opens with one request that brings the prefix", async () => {
    const replica = await replicaOf();
    expect(remote.requests).toBe(1);
    expect(replica.stats().residentPages).toBe(4);
  });

  it("fetches a missing page with its segment", async () => {
    const replica = await replicaOf();
    await read(replica, 6);
    // The reader has its page before the rest of the segment is here.
    await vi.waitFor(() => expect(replica.stats().residentPages).toBe(8));
    expect(remote.requests).toBe(2);
  });

  it("fails with OFFLINE when there is no remote to make it from", async () => {
    expect(await codeOf(replicaOf({ transport: undefined }))).toBe("OFFLINE");
  });

  it("closes the store and the transport when opening fails", async () => {
    remote.offline = true;
    const store = memoryStore();
    expect(await codeOf(replicaOf({ store }))).toBe("NETWORK");
    expect(await codeOf(store.flush())).toBe("CLOSED");
  });
});

describe("a new full replica", () => {
  it("brings every page in one request and then needs no network", async () => {
    const progress: Progress[] = [];
    const replica = await replicaOf({ partial: undefined, onProgress: (step) => progress.push(step) });
    const { residentPages, shape } = replica.stats();
    expect(remote.requests).toBe(1);
    expect(residentPages).toBe(shape.pageCount);
    expect(progress.at(-1)).toEqual({
      pages: shape.pageCount,
      pageCount: shape.pageCount,
      bytes: shape.pageCount * 4096,
    });
    remote.offline = true;
    expect((await read(replica, shape.pageCount)).length).toBe(4096);
  });

  it("comes in chunks of pullBytesThreshold", async () => {
    const replica = await replicaOf({ partial: undefined, pullBytesThreshold: 40_960 });
    const { residentPages, shape } = replica.stats();
    expect(residentPages).toBe(shape.pageCount);
    expect(remote.requests).toBe(Math.ceil(shape.pageCount / 10));
  });

  it("stops with the signal's reason", async () => {
    const controller = new AbortController();
    const reason = new Error("enough");
    const opening = replicaOf({
      partial: undefined,
      pullBytesThreshold: 40_960,
      signal: controller.signal,
      onProgress: () => controller.abort(reason),
    });
    await expect(opening).rejects.toBe(reason);
  });
});

describe("a replica that was opened before", () => {
  it("serves what it holds without a request, and names the page it lacks when offline", async () => {
    const store = lasting();
    await (await replicaOf({ store })).close();
    remote.offline = true;
    const before = remote.requests;
    const replica = await replicaOf({ store });
    expect((await read(replica, 2)).length).toBe(4096);
    expect(remote.requests).toBe(before);
    const snapshot = await replica.pager.snapshot();
    await expect(snapshot.read(pageNo(50))).rejects.toMatchObject({ code: "NETWORK", page: 50 });
  });

  it("is completed when the whole database is wanted", async () => {
    const store = lasting();
    await (await replicaOf({ store })).close();
    const replica = await replicaOf({ store, partial: undefined });
    expect(replica.stats().residentPages).toBe(replica.stats().shape.pageCount);
  });

  it("starts anew when the whole database is wanted and the remote has moved on", async () => {
    const store = lasting();
    await (await replicaOf({ store })).close();
    remote.writer.exec("UPDATE item SET body = 'changed' WHERE id = 1");
    const replica = await replicaOf({ store, partial: undefined });
    expect(replica.stats().residentPages).toBe(replica.stats().shape.pageCount);
  });

  it("is refused for another remote", async () => {
    const store = lasting();
    await (await replicaOf({ store, remoteName: "http://a" })).close();
    const opening = replicaOf({ store, remoteName: "http://b" });
    await expect(opening).rejects.toMatchObject({ code: "INVALID_OPTION" });
    await expect(opening).rejects.toThrow("http://a");
  });
});

describe("a remote that moved on", () => {
  it("fails the read that finds out, and the next snapshot shows the new revision", async () => {
    const replica = await replicaOf();
    const { revision } = replica.stats().shape;
    const old = await replica.pager.snapshot();
    remote.writer.exec("INSERT INTO item (body) VALUES ('new')");
    await expect(old.read(pageNo(40))).rejects.toMatchObject({ code: "REVISION_CHANGED", page: 40 });
    const fresh = await replica.pager.snapshot();
    expect(fresh.revision).not.toBe(revision);
    expect((await fresh.read(pageNo(40))).length).toBe(4096);
    expect(replica.stats().shape.revision).toBe(fresh.revision);
  });

  it("never leaves a page of the old revision beside the new ones", async () => {
    const replica = await replicaOf();
    const old = await replica.pager.snapshot();
    remote.writer.exec("UPDATE item SET body = 'changed' WHERE id = 1");
    expect(await codeOf(old.read(pageNo(40)))).toBe("REVISION_CHANGED");
    const fresh = await replica.pager.snapshot();
    const expected = await wholeDatabase(await replicaOf({ partial: undefined }));
    expect(await wholeDatabase(replica, fresh)).toEqual(expected);
    expect(await codeOf(old.read(pageNo(2)))).toBe("REVISION_CHANGED");
  });

  it("keeps serving what is resident while it cannot be reached", async () => {
    const replica = await replicaOf();
    const old = await replica.pager.snapshot();
    remote.writer.exec("INSERT INTO item (body) VALUES ('new')");
    expect(await codeOf(old.read(pageNo(40)))).toBe("REVISION_CHANGED");
    remote.offline = true;
    expect((await read(replica, 2)).length).toBe(4096);
  });
});

async function wholeDatabase(replica: Replica, given?: Snapshot): Promise<Buffer> {
  const snapshot = given ?? (await replica.pager.snapshot());
  const pages: Uint8Array[] = [];
  for (let page = 1; page <= snapshot.pageCount; page++)
    pages.push((await snapshot.read(page as PageNo)).slice());
  return Buffer.concat(pages);
}
