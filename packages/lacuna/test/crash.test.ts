import { openNodeStore } from "@lacuna/storage/node";
import { type DiskFault, injectFault, SimulatedDisk, seededRandom } from "@lacuna/testkit";
import { describe, expect, it } from "vitest";
import { connect, type Database, isLacunaError } from "../src/index.ts";
import { rowsOf, type SyncRemote, syncRemote } from "./sync-remote.ts";

const PATH = "/data/app.db";
/** The longer run stops at every operation of the disk, the short one at so many of them, evenly. */
const THOROUGH = process.env["LACUNA_THOROUGH"] === "1";
const SAMPLES = 10;

const SCHEMA = `
  CREATE TABLE loose (who TEXT, v INTEGER);
  CREATE TABLE keyed (id INTEGER PRIMARY KEY, v TEXT);
  INSERT INTO keyed VALUES (1, 'first'), (2, 'first');
  CREATE TABLE filler (id INTEGER PRIMARY KEY, body TEXT);
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60)
    INSERT INTO filler SELECT i, hex(zeroblob(400)) FROM n;`;

/** What its user was told, and what the remote was seen to have. */
class Model {
  /** Rows of `loose`, which has no key: one that is applied twice is there twice. */
  readonly acknowledged: number[] = [];
  readonly refused: number[] = [];
  readonly ofOthers: number[] = [];
  #next = 0;
  /** Set at the remote behind a change of ours that it had: if that is applied again, it is gone. */
  keyed: string | undefined;

  next(): number {
    return ++this.#next;
  }
}

/** One step of a user. What it throws is how it failed. */
type Step = (db: Database, remote: SyncRemote, model: Model) => Promise<unknown>;

const insert =
  (count: number): Step =>
  async (db, _, model) => {
    const rows = Array.from({ length: count }, () => model.next());
    const values = rows.map((v) => `('mine', ${v})`).join(", ");
    try {
      if (count === 1) await db.run(`INSERT INTO loose VALUES ${values}`);
      else {
        await db.transaction(async () => {
          await db.run(`INSERT INTO loose VALUES ${values}`);
          await db.run("UPDATE filler SET body = body || 'x' WHERE id % 7 = ?", count);
        })();
      }
      model.acknowledged.push(...rows);
    } catch (error) {
      model.refused.push(...rows);
      throw error;
    }
  };

const others: Step = async (_, remote, model) => {
  const v = model.next();
  remote.exec(
    `INSERT INTO loose VALUES ('other', ${v}); UPDATE filler SET body = body || 'y' WHERE id % 5 = 1`,
  );
  model.ofOthers.push(v);
  const [[value] = []] = remote.rows("SELECT v FROM keyed WHERE id = 1");
  if (value !== "mine") return;
  remote.exec("UPDATE keyed SET v = 'theirs' WHERE id = 1");
  model.keyed = "theirs";
};

const push: Step = (db) => db.push();
const pull: Step = (db) => db.pull();

const STEPS: readonly Step[] = [
  insert(1),
  (db) => db.run("UPDATE keyed SET v = 'mine' WHERE id = 1"),
  push,
  others,
  insert(2),
  pull,
  (db) => db.run("UPDATE loose SET who = 'mine' WHERE who = 'mine' AND v = 1"),
  (db) => db.checkpoint(),
  insert(3),
  push,
  insert(1),
  others,
  pull,
  insert(1),
  (db) => db.checkpoint(),
];

async function openOn(disk: SimulatedDisk, remote: SyncRemote): Promise<Database> {
  // The lock of a handle that could not be closed: it is as if its process had ended.
  if (!disk.off) disk.discard(`${PATH}-lock`);
  const store = await openNodeStore({ path: PATH, fileSystem: disk });
  return connect({
    path: PATH,
    store,
    url: "http://server",
    remote: "sync-server",
    fetch: remote.fetch,
    attempts: 1,
    partialSync: { bootstrapStrategy: { kind: "prefix", length: 16_384 }, segmentSize: 4096 },
  });
}

interface Run {
  readonly disk: SimulatedDisk;
  readonly remote: SyncRemote;
  readonly model: Model;
  readonly operations: number;
}

const isOfStorage = (error: unknown): boolean =>
  isLacunaError(error, "STORAGE") || isLacunaError(error, "STORAGE_FULL");

/** Works until the disk is off, or to the end. */
async function work(fault: DiskFault | undefined): Promise<Run> {
  const remote = await syncRemote(SCHEMA);
  const disk = new SimulatedDisk();
  const model = new Model();
  const count = injectFault(disk, fault ?? { nth: 0, code: "EIO" });
  let db: Database | undefined;
  const tolerated = async <T>(step: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await step();
    } catch (error) {
      if (disk.off || isOfStorage(error)) return undefined;
      throw error;
    }
  };
  for (const step of STEPS) {
    if (disk.off) break;
    db ??= await tolerated(() => openOn(disk, remote));
    db ??= disk.off ? undefined : await openOn(disk, remote);
    if (db === undefined) break;
    const open = db;
    await tolerated(() => step(open, remote, model));
  }
  await db?.close().catch(() => {});
  return { disk, remote, model, operations: count.seen };
}

const own = "SELECT v FROM loose WHERE who = 'mine' ORDER BY v";
const all = "SELECT who, v FROM loose ORDER BY who, v";

/** @param mayHave what the replica may hold of what failed */
async function inspect(
  { remote, model }: Run,
  disk: SimulatedDisk,
  mayHave: readonly number[],
): Promise<void> {
  const db = await openOn(disk, remote);
  try {
    const found = (await rowsOf(db, own)).flat() as number[];
    expect(found).toEqual([...new Set(found)]);
    expect(found.filter((v) => !mayHave.includes(v))).toEqual(model.acknowledged);
    await db.push();
    await db.pull();
    expect(await db.pending()).toEqual([]);
    expect(await rowsOf(db, own)).toEqual(found.map((v) => [v]));
    expect(remote.rows(all)).toEqual([
      ...found.map((v) => ["mine", v]),
      ...model.ofOthers.map((v) => ["other", v]),
    ]);
    for (const table of ["loose", "keyed", "filler"]) {
      expect(await rowsOf(db, `SELECT * FROM ${table}`)).toEqual(remote.rows(`SELECT * FROM ${table}`));
    }
    if (model.keyed !== undefined)
      expect(remote.rows("SELECT v FROM keyed WHERE id = 1")).toEqual([[model.keyed]]);
    expect(await rowsOf(db, "PRAGMA integrity_check")).toEqual([["ok"]]);
    expect(remote.rows("PRAGMA integrity_check")).toEqual([["ok"]]);
  } finally {
    await db.close();
  }
}

function points(operations: number, offset: number): number[] {
  if (THOROUGH) return Array.from({ length: operations }, (_, i) => i + 1);
  return Array.from({ length: SAMPLES }, (_, i) => Math.ceil(((i + offset) * operations) / SAMPLES));
}

describe("a replica that writes, pushes, pulls and checkpoints keeps and applies each change once", () => {
  const patience = { timeout: THOROUGH ? 7_200_000 : 300_000 };

  it("when nothing fails", async () => {
    const run = await work(undefined);
    expect(run.model.acknowledged).toEqual([1, 3, 4, 5, 6, 7, 8, 10]);
    expect(run.model.keyed).toBe("theirs");
    await inspect(run, run.disk, []);
  });

  it("when it is killed at any operation of its disk", patience, async () => {
    const { operations } = await work(undefined);
    for (const nth of points(operations, 0.3)) {
      const run = await work({ nth, code: "EIO", off: true, tornBytes: nth % 3 === 0 ? 100 : 0 });
      await inspect(run, run.disk.afterKill(), run.model.refused);
    }
  });

  it("when the power is cut at any operation of its disk", patience, async () => {
    const { operations } = await work(undefined);
    for (const nth of points(operations, 0.6)) {
      const run = await work({ nth, code: "EIO", off: true, tornBytes: nth % 2 === 0 ? 700 : 0 });
      const random = seededRandom(nth);
      const left = run.disk.afterPowerCut(() => random() < 0.5);
      await inspect(run, left, run.model.refused);
    }
  });

  it(
    "when any one operation of its disk fails, and what was refused has not happened",
    patience,
    async () => {
      const { operations } = await work(undefined);
      for (const nth of points(operations, 0.9)) {
        const run = await work({
          nth,
          code: nth % 2 === 0 ? "EIO" : "ENOSPC",
          tornBytes: nth % 3 === 0 ? 50 : 0,
        });
        await inspect(run, run.disk, []);
      }
    },
  );
});
