import { pageIndex } from "@lacuna/page";
import { describe, expect, it } from "vitest";
import { makeDatabase, postPull, pull } from "./database-fixture.ts";
import { copyOf, differingPages, newestOf, serveHistory } from "./history-fixture.ts";

describe("differences", () => {
  it("are the pages that changed, with their newest content", async () => {
    const { path, writer } = makeDatabase({ journal: "wal" });
    const { file, fetch } = await serveHistory(path);
    const before = await newestOf(file);
    const old = copyOf(writer);
    writer.exec("UPDATE t SET filler = 'y' WHERE id = 7");
    await newestOf(file);
    writer.exec(
      "UPDATE t SET filler = 'z' WHERE id = 7; INSERT INTO t SELECT NULL, 0, hex(randomblob(9000)) ",
    );
    const now = copyOf(writer);
    const pulled = await pull(fetch, { clientRevision: before });
    expect(pulled.header).toMatchObject({
      serverRevision: await newestOf(file),
      pageCount: now.length / 4096,
    });
    expect(pulled.pages.map(({ index }) => index + 1)).toEqual(differingPages(old, now));
    for (const { index, bytes } of pulled.pages) {
      expect(Buffer.from(bytes).equals(now.subarray(index * 4096, (index + 1) * 4096))).toBe(true);
    }
  });

  it("are nothing for the newest revision", async () => {
    const { path } = makeDatabase({ journal: "wal" });
    const { file, fetch } = await serveHistory(path);
    const pulled = await pull(fetch, { clientRevision: await newestOf(file) });
    expect(pulled.pages).toEqual([]);
  });

  it("end where the database ends after it shrank", async () => {
    const { path, writer } = makeDatabase({ journal: "wal" });
    const { file, fetch } = await serveHistory(path);
    const before = await newestOf(file);
    writer.exec("DELETE FROM t WHERE id > 10; VACUUM");
    const pulled = await pull(fetch, { clientRevision: before });
    expect(pulled.header.pageCount).toBe(copyOf(writer).length / 4096);
    expect(Math.max(...pulled.pages.map(({ index }) => index))).toBeLessThan(pulled.header.pageCount);
  });

  it("hold only the pages of the selector, where there is one", async () => {
    const { path, commit } = makeDatabase({ journal: "wal" });
    const { file, fetch } = await serveHistory(path);
    const before = await newestOf(file);
    commit(1);
    const pulled = await pull(fetch, {
      clientRevision: before,
      pages: [{ first: pageIndex(3), last: pageIndex(5) }],
    });
    expect(pulled.pages.map(({ index }) => index)).toEqual([3, 4, 5]);
  });

  it("can be had between two old revisions", async () => {
    const { path, writer, commit } = makeDatabase({ journal: "wal" });
    const { file, fetch } = await serveHistory(path);
    const one = await newestOf(file);
    const copyOne = copyOf(writer);
    writer.exec("UPDATE t SET filler = 'y' WHERE id = 7");
    const two = await newestOf(file);
    const copyTwo = copyOf(writer);
    commit(5);
    const pulled = await pull(fetch, { clientRevision: one, serverRevision: two });
    expect(pulled.pages.map(({ index }) => index + 1)).toEqual(differingPages(copyOne, copyTwo));
  });
});

describe("a lazy fetch", () => {
  it("gives the pages asked for, as of its revision, with the size it had", async () => {
    const { path, writer, commit } = makeDatabase({ journal: "wal" });
    const { file, fetch } = await serveHistory(path);
    const name = await newestOf(file);
    const old = copyOf(writer);
    commit(1);
    writer.exec("INSERT INTO t SELECT NULL, 0, hex(randomblob(50000))");
    await newestOf(file);
    const last = old.length / 4096 - 1;
    const pulled = await pull(fetch, {
      serverRevision: name,
      pages: [
        { first: pageIndex(2), last: pageIndex(4) },
        { first: pageIndex(last), last: pageIndex(last + 20) },
      ],
    });
    expect(pulled.header).toMatchObject({ serverRevision: name, pageCount: old.length / 4096 });
    expect(pulled.pages.map(({ index }) => index)).toEqual([2, 3, 4, last]);
    for (const { index, bytes } of pulled.pages) {
      expect(Buffer.from(bytes).equals(old.subarray(index * 4096, (index + 1) * 4096))).toBe(true);
    }
  });
});

describe("a long poll", () => {
  it("is answered when somebody commits", async () => {
    const { path, commit } = makeDatabase({ journal: "wal" });
    const { file, fetch } = await serveHistory(path);
    const name = await newestOf(file);
    const waiting = pull(fetch, { clientRevision: name, longPollMs: 60_000 });
    commit(1);
    const pulled = await waiting;
    expect(pulled.header.serverRevision).not.toBe(name);
    expect(pulled.pages.length).toBeGreaterThan(0);
  });

  it("is answered at once when there is something newer, or the revision is unknown", async () => {
    const { path, commit } = makeDatabase({ journal: "wal" });
    const { file, fetch } = await serveHistory(path);
    const name = await newestOf(file);
    commit(1);
    expect((await pull(fetch, { clientRevision: name, longPollMs: 60_000 })).pages.length).toBeGreaterThan(0);
    expect((await pull(fetch, { clientRevision: "37", longPollMs: 60_000 })).pages.length).toBeGreaterThan(0);
  });

  it("is answered with nothing when its time is over, or the server's", async () => {
    const { path } = makeDatabase({ journal: "wal" });
    const { file, fetch } = await serveHistory(path, {}, { maxWaitMs: 30 });
    const name = await newestOf(file);
    for (const longPollMs of [10, 3_600_000]) {
      const pulled = await pull(fetch, { clientRevision: name, longPollMs });
      expect(pulled).toMatchObject({ header: { serverRevision: name }, pages: [] });
    }
  });

  it("ends when the client leaves, and when the file is closed", async () => {
    const { path } = makeDatabase({ journal: "wal" });
    const { file, fetch } = await serveHistory(path);
    const name = await newestOf(file);
    const controller = new AbortController();
    const wait = file.waitForChange?.({ revision: name, timeoutMs: 60_000, signal: controller.signal });
    controller.abort(new Error("gone"));
    await expect(wait).rejects.toThrow("gone");
    const polling = postPull(fetch, { clientRevision: name, longPollMs: 60_000 });
    await newestOf(file);
    await file.close();
    expect((await polling).status).toBe(503);
  });
});
