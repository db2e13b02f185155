import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type PageNo, pageNo, revision } from "@lacuna/page";
import { nodeFileSystem, openNodeStore } from "@lacuna/storage/node";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

let directory: string;
let path: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "lacuna-files-"));
  path = join(directory, "app.db");
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const files = (): string[] => readdirSync(directory).sort();

/** A database of some pages, made by SQLite itself. */
function sqliteDatabase(): Uint8Array {
  const made = join(directory, "made.db");
  const database = new DatabaseSync(made);
  database.exec("create table t(id integer primary key, x text)");
  database.exec(
    "with recursive c(i) as (select 1 union all select i+1 from c where i<500) insert into t select i, hex(randomblob(40)) from c",
  );
  database.close();
  const bytes = readFileSync(made);
  rmSync(made);
  return new Uint8Array(bytes);
}

describe("openNodeStore on files", () => {
  it("leaves a plain SQLite file once every page was put, in whatever order", async () => {
    const bytes = sqliteDatabase();
    const pageCount = bytes.byteLength / 4096;
    expect(pageCount).toBeGreaterThan(10);
    const store = await openNodeStore({ path });
    await store.reset({ revision: revision("r"), pageSize: 4096, pageCount });
    const pages = Array.from({ length: pageCount }, (_, i) => (pageCount - i) as PageNo);
    for (const page of pages)
      await store.put([{ page, bytes: bytes.subarray((page - 1) * 4096, page * 4096) }]);
    await store.close();
    expect(files()).toEqual(["app.db", "app.db-info"]);
    expect(new Uint8Array(readFileSync(path))).toEqual(bytes);
    const database = new DatabaseSync(path, { readOnly: true });
    expect(database.prepare("select count(*) as n from t").get()).toEqual({ n: 500 });
    expect(database.prepare("pragma integrity_check").get()).toEqual({ integrity_check: "ok" });
    database.close();
  });

  it("keeps pages beyond 4 GiB", async () => {
    const shape = { revision: revision("r"), pageSize: 65_536, pageCount: 100_000 };
    const bytes = new Uint8Array(65_536).fill(7);
    const store = await openNodeStore({ path });
    await store.reset(shape);
    await store.put([{ page: pageNo(80_000), bytes }]);
    await store.close();
    expect(statSync(path).size).toBe(80_000 * 65_536);
    const again = await openNodeStore({ path });
    expect([...again.resident()]).toEqual([80_000]);
    expect(again.getSync?.(pageNo(80_000))).toEqual(bytes);
    expect(await again.get([pageNo(79_999), pageNo(80_000)])).toEqual([undefined, bytes]);
    await again.close();
  });

  it("holds the lock file while it is open only", async () => {
    const store = await openNodeStore({ path });
    expect(files()).toEqual(["app.db", "app.db-info", "app.db-lock"]);
    expect(JSON.parse(readFileSync(`${path}-lock`, "utf8"))).toMatchObject({ pid: process.pid });
    const refused = await openNodeStore({ path }).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "LOCKED", path: `${path}-lock` });
    expect(String(refused)).toContain(`this process (${process.pid})`);
    await store.close();
    expect(files()).toEqual(["app.db", "app.db-info"]);
  });

  it("takes over the lock of a process that is gone, also if another has its number now", async () => {
    for (const owner of [
      { pid: 2 ** 30, started: "", token: "ab12" },
      // This process has the number, and did not begin then. Known on Linux only.
      ...(existsSync("/proc/self/stat")
        ? [{ pid: process.pid, started: "a boot 12345", token: "ab12" }]
        : []),
    ]) {
      writeFileSync(`${path}-lock`, JSON.stringify(owner));
      const store = await openNodeStore({ path });
      await store.close();
      expect(files()).toEqual(["app.db", "app.db-info"]);
    }
  });

  it("leaves alone what is not a replica", async () => {
    const database = sqliteDatabase();
    const strangers: [string, () => void][] = [
      ["app.db", () => writeFileSync(path, database)],
      ["app.db", () => writeFileSync(path, "")],
      ["app.db", () => mkdirSync(path)],
      ["app.db-wal", () => writeFileSync(`${path}-wal`, "frames")],
      ["app.db-journal", () => writeFileSync(`${path}-journal`, "pages")],
      ["app.db-changes", () => writeFileSync(`${path}-changes`, "changes")],
      ["app.db-pull", () => writeFileSync(`${path}-pull`, "a step")],
    ];
    for (const [name, place] of strangers) {
      place();
      const before = statSync(join(directory, name));
      const error = await openNodeStore({ path }).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: "NOT_A_REPLICA", path: join(directory, name) });
      expect(files()).toEqual([name]);
      expect(statSync(join(directory, name)).mtimeMs).toBe(before.mtimeMs);
      rmSync(join(directory, name), { recursive: true });
    }
  });

  it("finds no fault with the empty files programs leave beside a path", async () => {
    writeFileSync(`${path}-wal`, "");
    await (await openNodeStore({ path })).close();
    expect(files()).toEqual(["app.db", "app.db-info", "app.db-wal"]);
  });

  it("refuses a corrupt info, changes nothing, and opens once it is repaired", async () => {
    const store = await openNodeStore({ path });
    await store.setMeta({ a: "b" });
    await store.close();
    const whole = readFileSync(`${path}-info`);
    writeFileSync(`${path}-info`, Buffer.from(whole).fill(0x55, 0, 20_000));
    const damaged = readFileSync(`${path}-info`);
    await expect(openNodeStore({ path })).rejects.toMatchObject({ code: "REPLICA_CORRUPT" });
    expect(files()).toEqual(["app.db", "app.db-info"]);
    expect(readFileSync(`${path}-info`)).toEqual(damaged);
    writeFileSync(`${path}-info`, whole);
    const again = await openNodeStore({ path });
    expect(again.meta()).toEqual({ a: "b" });
    await again.close();
  });

  it("says STORAGE if the directory is missing, is a file, or may not be written", async () => {
    await expect(openNodeStore({ path: join(directory, "no", "app.db") })).rejects.toMatchObject({
      code: "STORAGE",
      cause: { code: "ENOENT" },
    });
    writeFileSync(join(directory, "file"), "");
    await expect(openNodeStore({ path: join(directory, "file", "app.db") })).rejects.toMatchObject({
      code: "STORAGE",
      cause: { code: "ENOTDIR" },
    });
    const refusing = {
      ...nodeFileSystem,
      // The superuser may write anywhere, so the refusal is played.
      open: async (name: string): Promise<never> => {
        throw Object.assign(new Error(`EACCES: permission denied, open '${name}'`), { code: "EACCES" });
      },
    };
    const error = await openNodeStore({ path, fileSystem: refusing }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "STORAGE", cause: { code: "EACCES" } });
    expect(files()).toEqual(["file"]);
  });

  it("ends at a lock that is a link to nowhere", async () => {
    symlinkSync(join(directory, "nowhere"), `${path}-lock`);
    await expect(openNodeStore({ path })).rejects.toMatchObject({ code: "LOCKED" });
  });

  it("refuses a path that is none", async () => {
    for (const wrong of ["", "a\0b", undefined]) {
      await expect(openNodeStore({ path: wrong as string })).rejects.toMatchObject({
        code: "INVALID_OPTION",
      });
    }
  });
});
