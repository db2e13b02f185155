import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { inflateRawSync } from "node:zlib";
import { DATABASE_HEADER_BYTES, parseDatabaseHeader, runTask } from "@lacuna/btree";
import { CheckTask } from "@lacuna/btree/check";
import { pageNo } from "@lacuna/page";
import {
  decodeManifest,
  decodeStructure,
  hexDigest,
  MANIFEST_NAME,
  openManifest,
  pagesOfSegment,
  type Structure,
  segmentName,
  segmentOf,
  structureName,
} from "@lacuna/protocol/published";
import { describe, expect, it, onTestFinished } from "vitest";
import { openServedFile } from "../src/node/index.ts";
import * as published from "../src/node/publish/index.ts";

const { publishDirectory } = published;

const ROWS = `
  CREATE TABLE t(id INTEGER PRIMARY KEY, text); CREATE TABLE w(k PRIMARY KEY, v) WITHOUT ROWID;
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000)
  INSERT INTO t SELECT i, 'row ' || i || hex(i * 7919) FROM n;
  INSERT INTO w SELECT text, id FROM t; CREATE INDEX tt ON t(text);`;

interface Made {
  readonly path: string;
  readonly directory: string;
  readonly db: DatabaseSync;
  publish(options?: published.PublishDirectoryOptions): Promise<published.PublishReport>;
}

async function made(sql = ROWS): Promise<Made> {
  const folder = await mkdtemp(join(tmpdir(), "lacuna-publish-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const [path, directory] = [join(folder, "made.db"), join(folder, "out", "made")];
  const db = new DatabaseSync(path);
  onTestFinished(() => db.close());
  db.exec("PRAGMA page_size = 512; PRAGMA synchronous = OFF");
  db.exec(sql);
  const publish = async (options?: published.PublishDirectoryOptions): Promise<published.PublishReport> => {
    const served = await openServedFile(path);
    const view = await served.open();
    try {
      return await publishDirectory(view, directory, options);
    } finally {
      await view.close();
      await served.close();
    }
  };
  return { path, directory, db, publish };
}

/** Every file below the directory, by its name. */
async function filesOf(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .sort();
}

async function structureOf(directory: string): Promise<Structure> {
  const manifest = openManifest(await readFile(join(directory, MANIFEST_NAME)));
  const { structure } = decodeManifest(manifest?.body ?? new Uint8Array());
  return decodeStructure(inflateRawSync(await readFile(join(directory, structureName(structure.sha256)))));
}

/** The database that a directory holds, put together again. */
async function whole(directory: string): Promise<Buffer> {
  const structure = await structureOf(directory);
  const { pageSize, pageCount, segmentPages, pages } = structure;
  const bytes = Buffer.alloc(pageCount * pageSize);
  for (const [page, content] of pages) bytes.set(content, (page - 1) * pageSize);
  for (let run = 0; run * segmentPages < pageCount; run++) {
    const segment = segmentOf(run, structure);
    if (segment === undefined) continue;
    const content = inflateRawSync(await readFile(join(directory, segmentName(hexDigest(segment.sha256)))));
    for (const [index, page] of pagesOfSegment(run, structure).entries()) {
      bytes.set(content.subarray(index * pageSize, (index + 1) * pageSize), (page - 1) * pageSize);
    }
  }
  return bytes;
}

it("exports these names", () => {
  expect(Object.keys(published).sort()).toEqual(["publishDirectory", "publishedFiles"]);
});

describe("a published directory", () => {
  it("holds the database", async () => {
    const { path, directory, publish } = await made();
    const report = await publish();
    expect((await whole(directory)).equals(await readFile(path))).toBe(true);
    const names = await filesOf(directory);
    expect(names.filter((name) => name.startsWith("segments/"))).toHaveLength(report.segments);
    expect(report.writtenFiles).toBe(report.segments + 1);
    expect(report.bytes).toBeLessThan((await readFile(path)).length / 2);
  });

  it("brings every interior page and the schema with its structure", async () => {
    const { path, directory, publish } = await made();
    await publish({ prefixBytes: 0 });
    const file = await readFile(path);
    const { pages, pageCount } = await structureOf(directory);
    const header = parseDatabaseHeader(file.subarray(0, DATABASE_HEADER_BYTES));
    const peek = (page: number): Uint8Array => file.subarray((page - 1) * 512, page * 512);
    const check = await runTask(new CheckTask(header, pageCount), {
      peek,
      read: async (page) => peek(page),
    });
    const interior = Array.from({ length: pageCount }, (_, at) => pageNo(at + 1)).filter((page) =>
      check.pages.use(page).endsWith("interior"),
    );
    expect(interior.length).toBeGreaterThan(20);
    expect([...pages.keys()]).toEqual([...new Set([1, ...interior])]);
  });

  it("leaves out what is nearest to the leaves when the structure would be too long", async () => {
    const { directory, publish } = await made();
    await publish({ prefixBytes: 0, structureBytes: 5 * 512 });
    const { pages } = await structureOf(directory);
    expect(pages.size).toBe(5);
    expect(pages.has(pageNo(1))).toBe(true);
  });

  it("is made of what was committed, while a writer goes on", async () => {
    const { directory, db, publish } = await made(`PRAGMA journal_mode = WAL; ${ROWS}`);
    db.exec("UPDATE t SET text = 'new' WHERE id = 5; BEGIN; DELETE FROM t");
    await publish();
    db.exec("ROLLBACK");
    db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    const copy = join(directory, "copy.db");
    await writeFile(copy, await whole(directory));
    const reader = new DatabaseSync(copy, { readOnly: true });
    expect(reader.prepare("SELECT count(*) AS n, min(text) AS first FROM t").get()).toEqual({
      n: 4000,
      first: "new",
    });
    reader.close();
  });

  it("can be of an empty database", async () => {
    const { directory, publish } = await made("SELECT 1");
    expect(await publish()).toMatchObject({ pageCount: 0, segments: 0 });
    expect(await whole(directory)).toHaveLength(0);
  });

  it("is written only where the database changed, and keeps older snapshots", async () => {
    const { path, directory, db, publish } = await made();
    const first = await publish({ segmentBytes: 8192, prefixBytes: 0 });
    expect(await publish({ segmentBytes: 8192, prefixBytes: 0 })).toEqual({
      ...first,
      writtenFiles: 0,
      writtenBytes: 0,
    });
    const old = await filesOf(directory);
    db.exec("UPDATE t SET text = upper(text) WHERE id = 2000");
    const second = await publish({ segmentBytes: 8192, prefixBytes: 0 });
    expect(second.root).not.toBe(first.root);
    expect(second.writtenFiles).toBeLessThan(8);
    expect(await filesOf(directory)).toEqual(expect.arrayContaining(old));
    expect((await whole(directory)).equals(await readFile(path))).toBe(true);
  });

  it("loses the files that only snapshots beyond those to keep need, and nothing else", async () => {
    const { path, directory, db, publish } = await made();
    const options = { segmentBytes: 8192, prefixBytes: 0 };
    await publish(options);
    const oldest = new Set(await filesOf(directory));
    await writeFile(join(directory, "segments", "README"), "not ours");
    for (const id of [1000, 2000, 3000]) {
      db.exec(`UPDATE t SET text = text || 'x' WHERE id = ${id}`);
      await publish(options);
    }
    const before = await filesOf(directory);
    db.exec("UPDATE t SET text = 'y' WHERE id = 4000");
    const report = await publish({ ...options, keep: 1 });
    const after = await filesOf(directory);
    expect(report.removedFiles).toBeGreaterThan(0);
    expect(after).toHaveLength(before.length + report.writtenFiles - report.removedFiles);
    expect(after.filter((name) => name.startsWith("structure/"))).toHaveLength(2);
    expect(after).toContain("segments/README");
    expect([...oldest].some((name) => !after.includes(name))).toBe(true);
    expect((await whole(directory)).equals(await readFile(path))).toBe(true);

    // With none to keep, exactly the newest is left.
    const only = await publish({ ...options, keep: 0 });
    expect(await filesOf(directory)).toHaveLength(
      only.segments + 1 + ["manifest", "snapshots", "README"].length,
    );
  });

  it("loses what a publisher that was stopped left half written", async () => {
    const { directory, db, publish } = await made();
    await publish();
    const half = join(directory, "segments", `${"0".repeat(64)}.bin.new`);
    await writeFile(half, "half");
    db.exec("UPDATE t SET text = 'y' WHERE id = 4000");
    await publish();
    expect(await filesOf(directory)).toContain(half.slice(directory.length + 1));
    await publish({ keep: 0 });
    expect((await filesOf(directory)).filter((name) => name.endsWith(".new"))).toEqual([]);
  });

  it("is mended by publishing again", async () => {
    const { path, directory, publish } = await made();
    const { segments } = await publish();
    const [name = ""] = await filesOf(join(directory, "segments"));
    const damaged = await readFile(join(directory, "segments", name));
    damaged.writeUInt8(damaged.readUInt8(9) ^ 1, 9);
    await writeFile(join(directory, "segments", name), damaged);
    expect(await publish()).toMatchObject({ segments, writtenFiles: 1 });
    expect((await whole(directory)).equals(await readFile(path))).toBe(true);
  });

  it("knows the newest snapshot also where the publisher was stopped before it wrote its list", async () => {
    const { directory, db, publish } = await made();
    await publish({ prefixBytes: 0 });
    await rm(join(directory, "snapshots.json"));
    db.exec("DELETE FROM t WHERE id < 100");
    await publish({ prefixBytes: 0, keep: 1 });
    expect((await filesOf(directory)).filter((name) => name.startsWith("structure/"))).toHaveLength(2);
  });

  it("is refused with options out of range, and where nothing can be written", async () => {
    const { path, publish } = await made();
    for (const options of [
      { segmentBytes: -1 },
      { structureBytes: 2 ** 30 },
      { prefixBytes: 0.5 },
      { keep: -1 },
    ]) {
      await expect(publish(options)).rejects.toMatchObject({ code: "INVALID_OPTION" });
    }
    const served = await openServedFile(path);
    const view = await served.open();
    await expect(publishDirectory(view, path)).rejects.toMatchObject({ code: "STORAGE", path });
    await view.close();
    await served.close();
  });
});
