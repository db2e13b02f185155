import { statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { generationOf, makeDatabase } from "./database-fixture.ts";
import { bytesAt, newestOf, pages, serveHistory } from "./history-fixture.ts";

describe("the write-ahead log of a database with a history", () => {
  it("is kept small, whoever reads", async () => {
    const { path, commit, writer } = makeDatabase({ journal: "wal" });
    writer.exec("PRAGMA wal_autocheckpoint=0");
    const { file } = await serveHistory(path, { checkpointBytes: 400_000, retentionBytes: 1e9 });
    const pinned = await file.open();
    let largest = 0;
    for (let generation = 1; generation <= 60; generation++) {
      commit(generation);
      await newestOf(file);
      largest = Math.max(largest, statSync(`${path}-wal`).size);
    }
    // All commits together are 7.5 MB.
    expect(largest).toBeLessThan(2_500_000);
    expect(generationOf(await pinned.read([pages(1, pinned.pageCount)]))).toBe(0);
  });

  it("is kept small by keeping writers out for a moment where they never stop", async () => {
    const { path, commit, writer } = makeDatabase({ journal: "wal" });
    writer.exec("PRAGMA wal_autocheckpoint=0");
    const { file } = await serveHistory(path, { checkpointBytes: 50_000, pollMs: 60_000 });
    // Forty commits of 150 KB come between two looks.
    for (let round = 0; round < 4; round++) {
      for (let i = 1; i <= 10; i++) commit(round * 10 + i);
      await newestOf(file);
    }
    expect(statSync(`${path}-wal`).size).toBeLessThan(3_500_000);
    expect(generationOf(await bytesAt(file))).toBe(40);
  });

  it("is kept small though commits never stop, on its own thread too", async () => {
    const { path, commit, writer } = makeDatabase({ journal: "wal" });
    writer.exec("PRAGMA wal_autocheckpoint=0; PRAGMA synchronous=OFF");
    const { file } = await serveHistory(path, { checkpointBytes: 50_000, pollMs: 5 });
    for (let generation = 1; generation <= 400; generation++) {
      commit(generation);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(generationOf(await bytesAt(file))).toBe(400);
    // All commits together are 56 MB.
    expect(statSync(`${path}-wal`).size).toBeLessThan(30_000_000);
  });

  it("is begun where there was none", async () => {
    const { path, writer } = makeDatabase({ journal: "delete" });
    writer.close();
    const { file } = await serveHistory(path);
    expect(generationOf(await bytesAt(file))).toBe(0);
    const other = new DatabaseSync(path);
    expect(other.prepare("PRAGMA journal_mode").get()).toEqual({ journal_mode: "wal" });
    other.close();
  });
});
