import { copyFile, mkdtemp, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { isLacunaError } from "@lacuna/page";
import { describe, expect, it, onTestFinished } from "vitest";
import { fileTransport, hasHotJournal } from "../src/file/index.ts";
import { collect, openAll, pages, revisionOf } from "./collect.ts";
import { crashWriter } from "./crashed-writer.ts";
import { makeDatabase } from "./make-database.ts";

async function folderOf(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "lacuna-journal-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

/** A database that a writer left in the middle of a transaction. */
async function crashed(change?: string, setUp = "SELECT 1"): Promise<string> {
  const folder = await folderOf();
  const [whole, path] = [join(folder, "whole.db"), join(folder, "a file.db")];
  await writeFile(whole, makeDatabase());
  const db = new DatabaseSync(whole);
  db.exec(setUp);
  db.close();
  await crashWriter(whole, path, change);
  return path;
}

/** The database as one, read by the transport. */
async function read(path: string): Promise<Buffer> {
  const entries = await openAll(fileTransport({ path }), { kind: "full" });
  return Buffer.concat(entries.map(({ bytes }) => bytes));
}

/** What SQLite makes of copies of the files. */
async function rolledBack(path: string): Promise<{ readonly bytes: Buffer; readonly check: string }> {
  const copy = join(await folderOf(), "copy.db");
  await copyFile(path, copy);
  await copyFile(`${path}-journal`, `${copy}-journal`);
  const db = new DatabaseSync(copy);
  const check = String(db.prepare("PRAGMA integrity_check").get()?.["integrity_check"]);
  db.close();
  return { bytes: await readFile(copy), check };
}

describe("a file beside a hot journal", () => {
  it.each([
    ["rows are changed and added", undefined, undefined],
    ["journals are not synced", undefined, "PRAGMA synchronous = OFF"],
    ["the schema is changed", "CREATE TABLE u AS SELECT * FROM t; DROP TABLE t", undefined],
    ["rows are deleted", "DELETE FROM t WHERE id > 3; UPDATE t SET text = 'x'", undefined],
    ["the table grows", "INSERT INTO t(text) SELECT text || text FROM t", "VACUUM"],
  ])("is read as SQLite rolls it back, when %s", async (_, change, setUp) => {
    const path = await crashed(change, setUp);
    const before = [await readFile(path), await readFile(`${path}-journal`)];
    const { bytes, check } = await rolledBack(path);
    expect(check).toBe("ok");
    expect(before[0]?.equals(bytes)).toBe(false);
    expect((await read(path)).equals(bytes)).toBe(true);
    expect([await readFile(path), await readFile(`${path}-journal`)]).toEqual(before);
  });

  it("is read as an empty database if its first transaction did not end", async () => {
    const folder = await folderOf();
    const [source, path] = [join(folder, "source.db"), join(folder, "a.db")];
    const big = "INSERT INTO t SELECT zeroblob(9000), hex(zeroblob(9000))";
    await crashWriter(source, path, `CREATE TABLE t(a, b); ${big}; ${big}`);
    expect((await stat(path)).size).toBeGreaterThan(0);
    expect((await fileTransport({ path }).open()).shape.pageCount).toBe(0);
  });

  it("is read with the free pages that the transaction cut off", async () => {
    const path = join(await folderOf(), "a.db");
    const db = new DatabaseSync(path);
    db.exec("PRAGMA auto_vacuum = 2; PRAGMA journal_mode = PERSIST; CREATE TABLE t(x)");
    db.exec(`INSERT INTO t VALUES (zeroblob(400000)); DELETE FROM t`);
    const pageCount = Number(db.prepare("PRAGMA page_count").get()?.["page_count"]);
    db.exec("PRAGMA journal_mode = DELETE; PRAGMA journal_mode = PERSIST; PRAGMA incremental_vacuum(50)");
    db.close();
    await unwipe(path, pageCount);
    const { bytes, check } = await rolledBack(path);
    expect([check, bytes.length]).toEqual(["ok", pageCount * 4096]);
    expect((await stat(path)).size).toBe((pageCount - 50) * 4096);
    expect((await read(path)).equals(bytes)).toBe(true);

    await unwipe(path, 5000);
    await expect(read(path)).rejects.toMatchObject({ code: "CORRUPT_PAGE", path });
  });

  it("has another revision than without it, and than with another one", async () => {
    const path = await crashed();
    const transport = fileTransport({ path });
    const revision = await revisionOf(transport);
    expect(await revisionOf(transport)).toBe(revision);
    await utimes(`${path}-journal`, 1, 1);
    expect(await revisionOf(transport)).not.toBe(revision);
    await rm(`${path}-journal`);
    const fetching = transport.fetchPages({ revision, pages: pages(2), urgency: "demand" });
    await expect(collect(fetching)).rejects.toMatchObject({ code: "REVISION_CHANGED" });
  });

  it("notices the end of the transaction in the middle of a fetch", async () => {
    const folder = await folderOf();
    const [whole, path] = [join(folder, "whole.db"), join(folder, "made.db")];
    await writeFile(whole, makeDatabase({ pageSize: 65_536 }));
    await crashWriter(whole, path);
    const transport = fileTransport({ path });
    const revision = await revisionOf(transport);
    const reading = (async () => {
      const fetching = transport.fetchPages({ revision, pages: pages(2, 29), urgency: "demand" });
      for await (const batch of fetching) {
        expect(batch.map(({ page }) => page)).toEqual([2]);
        await rm(`${path}-journal`);
      }
    })();
    await expect(reading).rejects.toMatchObject({ code: "REVISION_CHANGED" });
  });

  it("ends typed, or as SQLite has it, whatever the journal holds", async () => {
    const path = await crashed();
    const journal = await readFile(`${path}-journal`);
    const codes = new Set<string>();
    const look = async (what: unknown): Promise<void> => {
      try {
        const found = await read(path);
        // Behind the pages that the header counts, a file may have more.
        const { bytes } = await rolledBack(path);
        expect([what, found.equals(bytes.subarray(0, found.length))]).toEqual([what, true]);
        codes.add("read");
      } catch (error) {
        if (!isLacunaError(error)) throw error;
        codes.add(error.code);
      }
    };
    const changes = [
      [0, 1],
      [11, 3],
      [15, 1],
      [17, 1],
      [18, 0xff],
      [19, 1],
      [22, 1],
      [22, 4],
      [26, 8],
      [27, 1],
      [515, 200],
      [515, 0],
      [516, 0],
    ] as const;
    for (const [at, value] of changes) {
      const damaged = Buffer.from(journal);
      damaged[at] = value;
      await writeFile(`${path}-journal`, damaged);
      await look([at, value]);
    }
    for (const length of [0, 27, 511, 512, 700, 5000]) {
      await writeFile(`${path}-journal`, journal.subarray(0, length));
      await look(length);
    }
    expect([...codes].sort()).toEqual(["CORRUPT_PAGE", "read"]);
  });

  it("is refused if the transaction was one over several files", async () => {
    const path = await crashed();
    const name = Buffer.from("/other-mj");
    const tail = Buffer.alloc(16);
    tail.writeUInt32BE(name.length);
    tail.writeUInt32BE(
      name.reduce((sum, byte) => sum + byte, 0),
      4,
    );
    Buffer.from("d9d505f920a163d7", "hex").copy(tail, 8);
    const journal = Buffer.concat([await readFile(`${path}-journal`), Buffer.alloc(4), name, tail]);
    await writeFile(`${path}-journal`, journal);
    await expect(read(path)).rejects.toMatchObject({ code: "NOT_SUPPORTED", path });
  });
});

describe("hasHotJournal", () => {
  it("tells journals to roll back from others", async () => {
    const path = await crashed();
    expect(await hasHotJournal(path)).toBe(true);
    await writeFile(`${path}-journal`, new Uint8Array(4096));
    expect(await hasHotJournal(path)).toBe(false);
    await rm(`${path}-journal`);
    expect(await hasHotJournal(path)).toBe(false);
  });

  it("does not take one beside an empty file for hot, as SQLite does not", async () => {
    const path = await crashed();
    await writeFile(path, "");
    expect(await hasHotJournal(path)).toBe(false);
    expect((await fileTransport({ path }).open()).shape.pageCount).toBe(0);
  });
});

/** Writes the header of a persistent journal anew that the commit wiped, with another page count. */
async function unwipe(path: string, pageCount: number): Promise<void> {
  const journal = await readFile(`${path}-journal`);
  Buffer.from("d9d505f920a163d7ffffffff", "hex").copy(journal);
  let sum = 0;
  for (let at = 4096 - 200; at > 0; at -= 200) sum += journal[516 + at] ?? 0;
  journal.writeUInt32BE((journal.readUInt32BE(516 + 4096) - sum) >>> 0, 12);
  journal.writeUInt32BE(pageCount, 16);
  journal.writeUInt32BE(512, 20);
  journal.writeUInt32BE(4096, 24);
  await writeFile(`${path}-journal`, journal);
}
