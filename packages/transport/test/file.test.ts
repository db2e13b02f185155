import { appendFile, mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { expect, it, onTestFinished } from "vitest";
import { fileTransport } from "../src/file/index.ts";
import { collect, openAll, pages, revisionOf } from "./collect.ts";
import { makeDatabase } from "./make-database.ts";

async function pathOf(content?: Uint8Array): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "lacuna-file-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, "a file.db");
  if (content !== undefined) await writeFile(path, content);
  return path;
}

it("takes a path, a file URL and its text", async () => {
  const path = await pathOf(makeDatabase());
  const url = pathToFileURL(path);
  for (const given of [path, url, url.href]) {
    expect(await openAll(fileTransport({ path: given }), { kind: "full" })).toHaveLength(
      makeDatabase().length / 4096,
    );
  }
});

it("notices a file that was written in place", async () => {
  const path = await pathOf(makeDatabase());
  const transport = fileTransport({ path });
  const revision = await revisionOf(transport);
  const db = new DatabaseSync(path);
  db.exec("UPDATE t SET text = 'changed' WHERE id = 1");
  db.close();
  const fetching = transport.fetchPages({ revision, pages: pages(2), urgency: "demand" });
  await expect(collect(fetching)).rejects.toMatchObject({ code: "REVISION_CHANGED" });
  expect(await revisionOf(transport)).not.toBe(revision);
});

it("notices a file that was written in the middle of a fetch, before a changed page is handed out", async () => {
  const path = await pathOf(makeDatabase({ pageSize: 65_536 }));
  const transport = fileTransport({ path });
  const revision = await revisionOf(transport);
  const fetching = transport.fetchPages({ revision, pages: pages(2, 29), urgency: "demand" });
  const reading = (async () => {
    for await (const batch of fetching) {
      expect(batch.map(({ page }) => page)).toEqual([2]);
      await utimes(path, 1, 1);
    }
  })();
  await expect(reading).rejects.toMatchObject({ code: "REVISION_CHANGED" });
});

it("refuses a file whose write-ahead log holds committed pages, and reads it after the checkpoint", async () => {
  const path = await pathOf(makeDatabase());
  const db = new DatabaseSync(path);
  db.exec("PRAGMA journal_mode = WAL; INSERT INTO t VALUES (100, 'in the log')");
  const transport = fileTransport({ path });
  await expect(transport.open()).rejects.toMatchObject({
    code: "NOT_SUPPORTED",
    message: expect.stringContaining("-wal"),
  });
  db.close();
  expect(await openAll(transport)).toHaveLength(1);
});

it("ignores a write-ahead log that holds nothing whole", async () => {
  const path = await pathOf(makeDatabase());
  await writeFile(`${path}-wal`, new Uint8Array(50_000).fill(3));
  expect(await openAll(fileTransport({ path }))).toHaveLength(1);
});

it("ignores bytes after the last page", async () => {
  const file = makeDatabase();
  const path = await pathOf(file);
  await appendFile(path, new Uint8Array(1000));
  const { shape } = await fileTransport({ path }).open();
  expect(shape.pageCount).toBe(file.length / 4096);
});

it("tells a file that is not there or cannot be read, with its path", async () => {
  const path = await pathOf();
  await expect(fileTransport({ path }).open()).rejects.toMatchObject({ code: "STORAGE", path });
  await expect(fileTransport({ path: tmpdir() }).open()).rejects.toMatchObject({ code: "STORAGE" });
});
