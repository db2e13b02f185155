import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { revision } from "@lacuna/page";
import { describe, expect, it } from "vitest";
import { openServedFile } from "../src/node/index.ts";
import { generationOf, makeDatabase, postPull, pull, serve, temporaryDirectory } from "./database-fixture.ts";
import { bytesAt, copyOf, newestOf, openHistory, pages, serveHistory } from "./history-fixture.ts";

/** Another process tries to empty the log, which a reader prevents. */
const CHECKPOINT = `
  const db = new (require("node:sqlite").DatabaseSync)(process.argv[1]);
  db.exec("UPDATE t SET generation = 2");
  process.stdout.write(String(db.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get().busy));
`;

const code = (value: string) => expect.objectContaining({ name: "LacunaError", code: value });

describe("a database with a history", () => {
  it.each([512, 4096, 65536])("gives every old revision, with pages of %i bytes", async (pageSize) => {
    const { path, commit } = makeDatabase({ journal: "wal", pageSize, rows: 100 });
    const { file } = await serveHistory(path);
    const names: string[] = [];
    for (let generation = 1; generation <= 12; generation++) {
      commit(generation);
      names.push(await newestOf(file));
    }
    for (const [i, name] of names.entries()) {
      expect(generationOf(await bytesAt(file, name))).toBe(i + 1);
    }
    expect(new Set(names).size).toBe(12);
  });

  it("tells commits apart that it sees together", async () => {
    const { path, commit, writer } = makeDatabase({ journal: "wal", rows: 50 });
    const { file } = await serveHistory(path, { pollMs: 60_000 });
    const before = await newestOf(file);
    const copies = [copyOf(writer)];
    for (let generation = 1; generation <= 5; generation++) {
      commit(generation);
      copies.push(copyOf(writer));
    }
    const after = await newestOf(file);
    const [, line, first] = before.split("-");
    const [, sameLine, last] = after.split("-");
    expect([sameLine, Number.parseInt(last ?? "", 36)]).toEqual([line, Number.parseInt(first ?? "", 36) + 5]);
    expect(Buffer.from(await bytesAt(file, before)).equals(copies[0] as Uint8Array)).toBe(true);
    expect(Buffer.from(await bytesAt(file, after)).equals(copies[5] as Uint8Array)).toBe(true);
  });

  it("follows the database as it grows, shrinks and grows again", async () => {
    const { path, writer } = makeDatabase({ journal: "wal", rows: 20 });
    const { file } = await serveHistory(path, { checkpointBytes: 20_000 });
    const states: { name: string; copy: Uint8Array }[] = [];
    const fill = (rows: number): void =>
      writer.exec(
        `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<${rows}) INSERT INTO t SELECT NULL, 0, hex(randomblob(300)) FROM n`,
      );
    for (const step of [
      () => fill(400),
      () => writer.exec("DELETE FROM t WHERE id > 40; "),
      () => writer.exec("VACUUM"),
      () => fill(30),
      () => writer.exec("DROP TABLE t"),
      () => writer.exec("VACUUM"),
      () => writer.exec("CREATE TABLE t(id INTEGER PRIMARY KEY, a, b)"),
      () => fill(500),
    ]) {
      step();
      states.push({ name: await newestOf(file), copy: copyOf(writer) });
    }
    for (const { name, copy } of states) {
      expect(Buffer.from(await bytesAt(file, name)).equals(copy)).toBe(true);
    }
  });

  it("keeps a view readable across commits and checkpoints, and stands in nobody's way", async () => {
    const { path, commit, writer } = makeDatabase({ journal: "wal" });
    const { file } = await serveHistory(path);
    commit(1);
    const view = await file.open();
    for (let generation = 2; generation <= 9; generation++) {
      commit(generation);
      await newestOf(file);
      const done = writer.prepare("PRAGMA wal_checkpoint").get();
      expect(done).toMatchObject({ busy: 0, checkpointed: done?.["log"] });
    }
    expect(generationOf(await view.read([pages(1, view.pageCount)]))).toBe(1);
    expect(generationOf(await bytesAt(file))).toBe(9);
  });

  it("names the same revisions with the same content after a restart", async () => {
    const { path, commit } = makeDatabase({ journal: "wal" });
    const first = await openServedFile(path, { history: true });
    commit(1);
    const name = await newestOf(first);
    commit(2);
    const newest = await newestOf(first);
    await first.close();
    const second = await serve(path, { history: true });
    expect(await newestOf(second)).toBe(newest);
    expect(generationOf(await bytesAt(second, name))).toBe(1);
  });

  it("names them still when the log went into the file while nobody served it", async () => {
    const { path, commit, writer } = makeDatabase({ journal: "wal" });
    const first = await openServedFile(path, { history: true });
    const initial = await newestOf(first);
    commit(1);
    const name = await newestOf(first);
    await first.close();
    writer.close();
    expect(existsSync(`${path}-wal`) && statSync(`${path}-wal`).size > 0).toBe(false);
    const second = await serve(path, { history: true });
    expect(await newestOf(second)).toBe(name);
    expect(generationOf(await bytesAt(second, initial))).toBe(0);
  });

  it("goes on with what others committed while nobody served it, if the log shows all of it", async () => {
    const { path, commit } = makeDatabase({ journal: "wal" });
    const first = await openServedFile(path, { history: true });
    commit(1);
    const name = await newestOf(first);
    await first.close();
    commit(2);
    commit(3);
    const second = await serve(path, { history: true });
    expect(generationOf(await bytesAt(second))).toBe(3);
    expect(generationOf(await bytesAt(second, name))).toBe(1);
  });

  it.each([
    ["whose log is gone", "TRUNCATE"],
    ["whose bytes replaced older ones in the file", "PASSIVE"],
  ])("begins another generation when there were commits meanwhile %s", async (_, mode) => {
    const { path, commit, writer } = makeDatabase({ journal: "wal" });
    const first = await openServedFile(path, { history: true });
    commit(1);
    const name = await newestOf(first);
    await first.close();
    writer.exec("UPDATE t SET generation = 2 WHERE id > 100");
    // While somebody reads from the log it is not started again.
    const reader = new DatabaseSync(path);
    if (mode === "PASSIVE") reader.exec("BEGIN; SELECT * FROM t");
    writer.exec(`PRAGMA wal_checkpoint(${mode})`);
    commit(3);
    reader.close();
    const { file, fetch } = await serveHistory(path);
    await expect(bytesAt(file, name)).rejects.toThrow(code("REVISION_CHANGED"));
    expect((await newestOf(file)).split("-")[1]).not.toBe(name.split("-")[1]);
    const refused = await postPull(fetch, { serverRevision: name });
    expect([refused.status, (await refused.json()).code]).toEqual([410, "REVISION_CHANGED"]);
    // A client that holds the old revision gets over it by having every page.
    const pulled = await pull(fetch, { clientRevision: name });
    expect(generationOf(pulled.file)).toBe(3);
  });

  it.each(["h-1-0-0", "h-zzzz", "37", "w-1-2-3", "ä".repeat(300), "h-0-0-0-0-0"])(
    "refuses revision %s, which it never named",
    async (name) => {
      const { path } = makeDatabase({ journal: "wal", rows: 3 });
      const { fetch } = await serveHistory(path);
      const refused = await postPull(fetch, { serverRevision: name });
      expect([refused.status, (await refused.json()).code]).toEqual([410, "REVISION_CHANGED"]);
    },
  );

  it("refuses a name with the number of a revision and another tag", async () => {
    const { path, commit } = makeDatabase({ journal: "wal", rows: 3 });
    const { file } = await serveHistory(path);
    commit(1);
    const name = await newestOf(file);
    commit(2);
    await expect(bytesAt(file, `${name.slice(0, -1)}-`)).rejects.toThrow(code("REVISION_CHANGED"));
    expect(generationOf(await bytesAt(file, name))).toBe(1);
  });

  it("forgets revisions beyond the bytes it may keep, and says so", async () => {
    const { path, commit } = makeDatabase({ journal: "wal" });
    const { file } = await serveHistory(path, { retentionBytes: 600_000 });
    const names: string[] = [];
    for (let generation = 1; generation <= 12; generation++) {
      commit(generation);
      names.push(await newestOf(file));
    }
    const kept: boolean[] = [];
    for (const [i, name] of names.entries()) {
      const bytes = await bytesAt(file, name).catch((error: unknown) => {
        expect(error).toEqual(code("REVISION_CHANGED"));
        return undefined;
      });
      kept.push(bytes !== undefined);
      if (bytes !== undefined) expect(generationOf(bytes)).toBe(i + 1);
    }
    expect(kept.slice(0, 4)).toEqual([false, false, false, false]);
    expect(kept.slice(-3)).toEqual([true, true, true]);
  });

  it("forgets revisions that were replaced longer ago than it may keep them", async () => {
    const { path, commit } = makeDatabase({ journal: "wal", rows: 3 });
    let now = 1_000_000;
    const { file } = await serveHistory(path, { retentionMs: 1000, now: () => now });
    commit(1);
    const one = await newestOf(file);
    now += 5000;
    commit(2);
    const two = await newestOf(file);
    // It could be read until now, so it still can be for a while.
    expect(generationOf(await bytesAt(file, one))).toBe(1);
    now += 1001;
    commit(3);
    await newestOf(file);
    await expect(bytesAt(file, one)).rejects.toThrow(code("REVISION_CHANGED"));
    expect(generationOf(await bytesAt(file, two))).toBe(2);
  });

  it("keeps revisions for their time also while its clock goes backwards, and forgets them later", async () => {
    const { path, commit } = makeDatabase({ journal: "wal", rows: 3 });
    let now = 1_000_000;
    const { file } = await serveHistory(path, { retentionMs: 1000, now: () => now });
    commit(1);
    const one = await newestOf(file);
    now = 5;
    commit(2);
    const two = await newestOf(file);
    now = 1_000_500;
    commit(3);
    const three = await newestOf(file);
    for (const [i, name] of [one, two, three].entries())
      expect(generationOf(await bytesAt(file, name))).toBe(i + 1);
    now = 1_001_001;
    commit(4);
    await newestOf(file);
    await expect(bytesAt(file, one)).rejects.toThrow(code("REVISION_CHANGED"));
    expect(generationOf(await bytesAt(file, three))).toBe(3);
  });

  it("serves a file of no bytes", async () => {
    const path = join(temporaryDirectory(), "empty.db");
    new DatabaseSync(path).close();
    const { file } = await serveHistory(path);
    const before = await newestOf(file);
    const writer = new DatabaseSync(path);
    writer.exec("CREATE TABLE t(a)");
    writer.close();
    const view = await file.open();
    expect(view.pageCount).toBe(2);
    expect(view.revision).not.toBe(before);
  });

  it("belongs to one server at a time", async () => {
    const { path, commit } = makeDatabase({ journal: "wal", rows: 3 });
    const { file } = await serveHistory(path);
    await expect(openServedFile(path, { history: true })).rejects.toThrow(code("LOCKED"));
    // The refusal has not taken the locks of the first.
    const view = await file.open();
    commit(1);
    await newestOf(file);
    const other = spawnSync(process.execPath, ["-e", CHECKPOINT, path], { encoding: "utf8" });
    expect(other.stdout).toBe("1");
    expect(generationOf(await view.read([pages(1, view.pageCount)]))).toBe(0);
  });

  it("leaves nothing beside a file that is no database", async () => {
    const path = join(temporaryDirectory(), "notes.txt");
    writeFileSync(path, "This is no database, but long enough to be taken for one. ".repeat(100));
    await expect(openServedFile(path, { history: true })).rejects.toThrow(code("NOT_A_DATABASE"));
    expect(readdirSync(join(path, ".."))).toEqual(["notes.txt"]);
    await expect(openServedFile(join(path, "..", "none.db"), { history: true })).rejects.toThrow(
      code("STORAGE"),
    );
    expect(readdirSync(join(path, ".."))).toEqual(["notes.txt"]);
  });

  it("does not touch a file that has the name of its history", async () => {
    const { path } = makeDatabase({ journal: "wal", rows: 3 });
    const other = new DatabaseSync(`${path}-history`);
    other.exec("CREATE TABLE mine(a)");
    other.close();
    await expect(openServedFile(path, { history: true })).rejects.toThrow(code("STORAGE"));
    rmSync(`${path}-history`);
    await serveHistory(path);
  });

  it("goes on without a past when its disk is full, and loses nothing", async () => {
    const { path, commit } = makeDatabase({ journal: "wal", rows: 200 });
    const file = await openHistory(path, { maxStorePages: 60 });
    const names: string[] = [];
    for (let generation = 1; generation <= 8; generation++) {
      commit(generation);
      names.push(await newestOf(file));
      expect(generationOf(await bytesAt(file))).toBe(generation);
    }
    expect(new Set(names).size).toBe(8);
    // What can still be read is what it was.
    for (const [i, name] of names.entries()) {
      const bytes = await bytesAt(file, name).catch(() => undefined);
      if (bytes !== undefined) expect(generationOf(bytes)).toBe(i + 1);
    }
  });

  it("keeps less when its disk is nearly full", async () => {
    const { path, commit } = makeDatabase({ journal: "wal", rows: 200 });
    const file = await openHistory(path, { maxStorePages: 100 });
    let before: string | undefined;
    for (let generation = 1; generation <= 20; generation++) {
      commit(generation);
      const name = await newestOf(file);
      if (before !== undefined) expect(generationOf(await bytesAt(file, before))).toBe(generation - 1);
      before = name;
    }
  });
});

it("a file without history serves the newest revision alone", async () => {
  const { path, commit } = makeDatabase({ journal: "wal" });
  const file = await serve(path);
  const name = await file.newest();
  commit(1);
  expect(await file.newest()).not.toBe(name);
  expect("waitForChange" in file).toBe(false);
  const view = await file.open({ revision: revision(name) });
  expect(view.revision).not.toBe(name);
  await view.close();
});
