import {
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { countPages, type PageNo, type PageRange } from "@lacuna/page";
import { describe, expect, it } from "vitest";
import type { ServedView } from "../src/index.ts";
import { openServedFile } from "../src/node/index.ts";
import { generationOf, makeDatabase, serve, temporaryDirectory } from "./database-fixture.ts";

const pages = (first: number, last = first): PageRange => ({ first: first as PageNo, last: last as PageNo });
const readAll = (view: ServedView) => view.read([pages(1, view.pageCount)]);
const code = (value: string) => expect.objectContaining({ name: "LacunaError", code: value });

async function revisionOf(path: string): Promise<string> {
  const file = await openServedFile(path);
  const view = await file.open();
  await view.close();
  await file.close();
  return view.revision;
}

describe.each(["delete", "wal"] as const)("a served file in journal mode %s", (journal) => {
  it.each([512, 1024, 4096, 32768, 65536])(
    "gives every page of a database with pages of %i bytes",
    async (pageSize) => {
      const { path, commit } = makeDatabase({ pageSize, journal });
      commit(7);
      const file = await serve(path);
      const view = await file.open();
      expect(view.pageSize).toBe(pageSize);
      const bytes = await readAll(view);
      expect(bytes.length).toBe(view.pageCount * pageSize);
      expect(generationOf(bytes)).toBe(7);
      await view.close();
    },
  );

  it("names another revision after each commit, and none twice", async () => {
    const { path, commit, writer } = makeDatabase({ journal, rows: 3 });
    const file = await serve(path);
    const seen = new Set<string>();
    for (let generation = 1; generation <= 40; generation++) {
      commit(generation);
      if (generation % 4 === 0) writer.exec("PRAGMA wal_checkpoint(TRUNCATE)");
      const view = await file.open();
      expect(generationOf(await readAll(view))).toBe(generation);
      seen.add(view.revision);
      await view.close();
    }
    expect(seen.size).toBe(40);
  });

  it("names the same revision when it is opened again", async () => {
    const { path, commit } = makeDatabase({ journal });
    commit(1);
    expect(await revisionOf(path)).toBe(await revisionOf(path));
  });

  it("gives pages in the order of the ranges", async () => {
    const { path } = makeDatabase({ journal });
    const view = await (await serve(path)).open();
    const all = await readAll(view);
    const some = await view.read([pages(9, 11), pages(2)]);
    expect(some.length).toBe(4 * 4096);
    expect(some.subarray(0, 3 * 4096)).toEqual(all.subarray(8 * 4096, 11 * 4096));
    expect(some.subarray(3 * 4096)).toEqual(all.subarray(4096, 2 * 4096));
    await expect(view.read([pages(1, view.pageCount + 1)])).rejects.toThrow(RangeError);
    await view.close();
    await expect(view.read([pages(1)])).rejects.toThrow(code("CLOSED"));
  });

  it("does not change a byte of the database file", async () => {
    const { path, commit } = makeDatabase({ journal });
    commit(3);
    const copy = join(temporaryDirectory(), "copy.db");
    copyFileSync(path, copy);
    if (journal === "wal") copyFileSync(`${path}-wal`, `${copy}-wal`);
    const before = readFileSync(copy);
    const file = await openServedFile(copy);
    const view = await file.open();
    expect(generationOf(await readAll(view))).toBe(3);
    await view.close();
    await file.close();
    expect(readFileSync(copy).equals(before)).toBe(true);
  });

  it("is read without locks where that is asked for, until the file changes", async () => {
    const { path, commit } = makeDatabase({ journal });
    commit(1);
    const view = await (await serve(path, { lock: false })).open();
    expect(generationOf(await readAll(view))).toBe(1);
    commit(2);
    await expect(readAll(view)).rejects.toThrow(code("REVISION_CHANGED"));
    await view.close();
  });

  it("turns to the file that has taken the place of the old one", async () => {
    const old = makeDatabase({ journal });
    old.commit(1);
    const file = await serve(old.path);
    const view = await file.open();
    await view.close();
    const other = makeDatabase({ rows: 20 });
    other.commit(8);
    for (const end of ["-wal", "-shm"]) rmSync(`${old.path}${end}`, { force: true });
    renameSync(other.path, old.path);
    const next = await file.open();
    expect(next.revision).not.toBe(view.revision);
    expect(generationOf(await readAll(next))).toBe(8);
    await next.close();
  });

  it("ends its views when it is closed", async () => {
    const { path, commit } = makeDatabase({ journal });
    const file = await openServedFile(path);
    const view = await file.open();
    await file.close();
    await expect(view.read([pages(1)])).rejects.toThrow(code("CLOSED"));
    await expect(file.open()).rejects.toThrow(code("CLOSED"));
    await view.close();
    await file.close();
    commit(1);
  });
});

describe("a served file in rollback mode", () => {
  it("lets a writer commit while a view is open, and then refuses to mix", async () => {
    const { path, commit } = makeDatabase();
    const file = await serve(path);
    const view = await file.open();
    await view.read([pages(1, 5)]);
    commit(1);
    await expect(view.read([pages(6)])).rejects.toThrow(code("REVISION_CHANGED"));
    await view.close();
  });

  it("says BUSY while a writer keeps readers out, and serves again afterwards", async () => {
    const { path, writer } = makeDatabase();
    const file = await serve(path, { busyTimeoutMs: 20 });
    writer.exec("BEGIN EXCLUSIVE");
    await expect(file.open()).rejects.toThrow(code("BUSY"));
    writer.exec("ROLLBACK");
    await (await file.open()).close();
  });

  it("waits for the writer within the time it has", async () => {
    const { path, writer } = makeDatabase();
    const file = await serve(path);
    writer.exec("BEGIN EXCLUSIVE");
    const opening = file.open();
    await new Promise((resolve) => setImmediate(resolve));
    writer.exec("UPDATE t SET generation = 5; COMMIT");
    const view = await opening;
    expect(generationOf(await readAll(view))).toBe(5);
    await view.close();
  });

  it("stops waiting when it is told to", async () => {
    const { path, writer } = makeDatabase();
    const file = await serve(path);
    writer.exec("BEGIN EXCLUSIVE");
    const reason = new Error("enough");
    await expect(file.open({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const controller = new AbortController();
    const opening = file.open({ signal: controller.signal });
    controller.abort(reason);
    await expect(opening).rejects.toBe(reason);
    writer.exec("ROLLBACK");
  });

  it("has the journal of a crashed writer played back", async () => {
    const { path, writer, commit } = makeDatabase({ rows: 2000 });
    commit(4);
    writer.exec("PRAGMA cache_size=5; BEGIN; UPDATE t SET generation = 9");
    const crashed = join(temporaryDirectory(), "crashed.db");
    copyFileSync(path, crashed);
    copyFileSync(`${path}-journal`, `${crashed}-journal`);
    writer.exec("ROLLBACK");
    expect(() => generationOf(readFileSync(crashed))).toThrow("mixed pages");

    await expect(serve(crashed, { lock: false })).rejects.toThrow(code("STORAGE"));
    const view = await (await serve(crashed)).open();
    expect(generationOf(await readAll(view))).toBe(4);
    await view.close();
  });

  it("trusts the length of the file where the header does not tell the number of pages", async () => {
    const { path, writer } = makeDatabase();
    writer.exec("PRAGMA wal_checkpoint");
    const bytes = readFileSync(path);
    bytes.fill(0, 28, 32);
    const copy = join(temporaryDirectory(), "old.db");
    writeFileSync(copy, bytes);
    const view = await (await serve(copy)).open();
    expect(view.pageCount).toBe(bytes.length / 4096);
    await view.close();
  });
});

describe("a served file in WAL mode", () => {
  it("keeps a view as it was while a writer commits and checkpoints", async () => {
    const { path, commit, writer } = makeDatabase({ journal: "wal" });
    commit(1);
    const file = await serve(path);
    const view = await file.open();
    const first = await view.read([pages(1, 5)]);
    commit(2);
    writer.exec("PRAGMA wal_checkpoint(PASSIVE)");
    commit(3);
    const rest = await view.read([pages(6, view.pageCount)]);
    expect(generationOf(new Uint8Array([...first, ...rest]))).toBe(1);
    await view.close();
    const next = await file.open();
    expect(generationOf(await readAll(next))).toBe(3);
    await next.close();
  });

  it.each(["PASSIVE", "RESTART", "TRUNCATE"])(
    "keeps a view of a log that was wholly checkpointed and is started again (%s)",
    async (mode) => {
      const { path, commit, writer } = makeDatabase({ journal: "wal" });
      commit(1);
      writer.exec("PRAGMA wal_checkpoint(PASSIVE)");
      const view = await (await serve(path)).open();
      expect(view.revision).toMatch(/^w-/);
      writer.exec(`PRAGMA wal_checkpoint(${mode})`);
      commit(2);
      expect(generationOf(await readAll(view))).toBe(1);
      await view.close();
    },
  );

  it("keeps the revision over a checkpoint that leaves the log", async () => {
    const { path, commit, writer } = makeDatabase({ journal: "wal" });
    commit(1);
    const before = await revisionOf(path);
    writer.exec("PRAGMA wal_checkpoint(FULL)");
    expect(await revisionOf(path)).toBe(before);
  });

  it("names no revision by a file time that a further commit could still have", async () => {
    const { path, commit, writer } = makeDatabase({ journal: "wal" });
    commit(1);
    writer.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    const file = await serve(path);
    const changedMs = Date.now() + 15;
    utimesSync(path, changedMs / 1000, changedMs / 1000);
    await (await file.open()).close();
    expect(Date.now()).toBeGreaterThan(changedMs + 15);
  });

  it("does not see a transaction that is not committed", async () => {
    const { path, commit, writer } = makeDatabase({ journal: "wal", rows: 2000 });
    commit(1);
    const file = await serve(path);
    writer.exec("PRAGMA cache_size=5; BEGIN; UPDATE t SET generation = 2");
    const size = statSync(`${path}-wal`).size;
    const view = await file.open();
    expect(generationOf(await readAll(view))).toBe(1);
    await view.close();
    writer.exec("ROLLBACK");
    commit(3);
    expect(size).toBeGreaterThan(1_000_000);
    const next = await file.open();
    expect(generationOf(await readAll(next))).toBe(3);
    await next.close();
  });

  it("does not hold back checkpoints once its views are closed", async () => {
    const { path, commit, writer } = makeDatabase({ journal: "wal" });
    const file = await serve(path);
    const view = await file.open();
    commit(1);
    await view.close();
    expect(writer.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get()).toMatchObject({ busy: 0 });
  });

  it("gives zeros for pages that are free and were never written", async () => {
    const { path, writer } = makeDatabase({ journal: "wal" });
    writer.exec("BEGIN; CREATE TABLE u(x); INSERT INTO u SELECT randomblob(100000)");
    writer.exec("DROP TABLE u; COMMIT");
    const view = await (await serve(path)).open();
    expect(generationOf(await readAll(view))).toBe(0);
    await view.close();
  });

  it("is read without locks where nothing can be written beside it", async () => {
    const { path, commit, writer } = makeDatabase({ journal: "wal" });
    commit(6);
    const copy = join(temporaryDirectory(), "copy.db");
    copyFileSync(path, copy);
    copyFileSync(`${path}-wal`, `${copy}-wal`);
    // SQLite cannot make its shared memory here, as on media that cannot be written.
    symlinkSync(join(copy, "nowhere"), `${copy}-shm`);
    expect(() => new DatabaseSync(copy, { readOnly: true }).exec("PRAGMA schema_version")).toThrow();
    const view = await (await serve(copy)).open();
    expect(generationOf(await readAll(view))).toBe(6);
    await view.close();
    writer.exec("PRAGMA wal_checkpoint");
  });
});

describe("opening a file for serving", () => {
  it("takes an empty file for an empty database, until something is in it", async () => {
    const path = join(temporaryDirectory(), "empty.db");
    writeFileSync(path, "");
    const file = await serve(path);
    const view = await file.open();
    expect(view).toMatchObject({ pageCount: 0, pageSize: 4096 });
    expect(await view.read([])).toHaveLength(countPages([]));
    await view.close();
    makeDatabase({ path }).commit(2);
    const next = await file.open();
    expect(generationOf(await readAll(next))).toBe(2);
    await next.close();
  });

  it.each([
    ["there is none", () => {}, "STORAGE"],
    ["it is a directory", (path: string) => mkdirSync(path), "STORAGE"],
    [
      "it is a text",
      (path: string) => writeFileSync(path, "to be or not to be ".repeat(20)),
      "NOT_A_DATABASE",
    ],
    ["it is too short", (path: string) => writeFileSync(path, "SQLite format 3\0"), "NOT_A_DATABASE"],
  ])("fails when %s", async (_, make, expected) => {
    const path = join(temporaryDirectory(), "app.db");
    make(path);
    await expect(serve(path)).rejects.toThrow(code(expected));
  });
});
