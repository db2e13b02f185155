import { LacunaError, type PageStore } from "@lacuna/page";
import { memoryStore } from "@lacuna/storage/memory";
import { openNodeStore } from "@lacuna/storage/node";
import { type DiskFault, injectFault, SimulatedDisk, seededRandom, withFaults } from "@lacuna/testkit";
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

/** Where the files of the replica are. */
interface Place {
  /** They work no more. */
  readonly off: boolean;
  open(): Promise<PageStore>;
}

function placeOn(disk: SimulatedDisk): Place {
  return {
    get off() {
      return disk.off;
    },
    open() {
      // The lock of a handle that could not be closed: it is as if its process had ended.
      if (!disk.off) disk.discard(`${PATH}-lock`);
      return openNodeStore({ path: PATH, fileSystem: disk });
    },
  };
}

async function openAt(place: Place, remote: SyncRemote): Promise<Database> {
  return connect({
    path: PATH,
    store: await place.open(),
    url: "http://server",
    remote: "sync-server",
    fetch: remote.fetch,
    attempts: 1,
    partialSync: { bootstrapStrategy: { kind: "prefix", length: 16_384 }, segmentSize: 4096 },
  });
}

interface Run {
  readonly remote: SyncRemote;
  readonly model: Model;
  /** As it is in the end, unless it is gone with its files. */
  readonly db: Database | undefined;
}

const isOfStorage = (error: unknown): boolean =>
  isLacunaError(error, "STORAGE") || isLacunaError(error, "STORAGE_FULL");

/** Works until the files are off, or to the end. */
async function work(place: Place): Promise<Run> {
  const remote = await syncRemote(SCHEMA);
  const model = new Model();
  let db: Database | undefined;
  const tolerated = async <T>(step: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await step();
    } catch (error) {
      if (place.off || isOfStorage(error)) return undefined;
      throw error;
    }
  };
  for (const step of STEPS) {
    if (place.off) break;
    db ??= await tolerated(() => openAt(place, remote));
    db ??= place.off ? undefined : await openAt(place, remote);
    if (db === undefined) break;
    const open = db;
    await tolerated(() => step(open, remote, model));
  }
  return { remote, model, db };
}

interface RunOnDisk extends Run {
  readonly disk: SimulatedDisk;
  readonly operations: number;
}

async function workOnDisk(fault: DiskFault | undefined): Promise<RunOnDisk> {
  const disk = new SimulatedDisk();
  const count = injectFault(disk, fault ?? { nth: 0, code: "EIO" });
  const run = await work(placeOn(disk));
  await run.db?.close().catch(() => {});
  return { ...run, disk, operations: count.seen };
}

/** A replica in memory, of which one operation fails. */
async function workInMemory(nth: number): Promise<Run & { readonly operations: number }> {
  let operations = 0;
  const place: Place = {
    off: false,
    open: async () =>
      withFaults(memoryStore(), ({ kind }) => {
        if (++operations === nth) throw new LacunaError("STORAGE", `${kind} fails on purpose`);
      }),
  };
  return { ...(await work(place)), operations };
}

const own = "SELECT v FROM loose WHERE who = 'mine' ORDER BY v";
const all = "SELECT who, v FROM loose ORDER BY who, v";

/** Opens what is left of a replica. @param mayHave what it may hold of what failed */
async function inspect(run: Run, disk: SimulatedDisk, mayHave: readonly number[]): Promise<void> {
  await inspectOpen(await openAt(placeOn(disk), run.remote), run, mayHave);
}

async function inspectOpen(db: Database, { remote, model }: Run, mayHave: readonly number[]): Promise<void> {
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
    const run = await workOnDisk(undefined);
    expect(run.model.acknowledged).toEqual([1, 3, 4, 5, 6, 7, 8, 10]);
    expect(run.model.keyed).toBe("theirs");
    await inspect(run, run.disk, []);
  });

  it("when it is killed at any operation of its disk", patience, async () => {
    const { operations } = await workOnDisk(undefined);
    for (const nth of points(operations, 0.3)) {
      const run = await workOnDisk({ nth, code: "EIO", off: true, tornBytes: nth % 3 === 0 ? 100 : 0 });
      await inspect(run, run.disk.afterKill(), run.model.refused);
    }
  });

  it("when the power is cut at any operation of its disk", patience, async () => {
    const { operations } = await workOnDisk(undefined);
    for (const nth of points(operations, 0.6)) {
      const random = seededRandom(nth);
      // What nobody flushed: some of it is there, or all, or nothing.
      const chances = [() => random() < 0.5, () => true, () => false];
      for (const survives of THOROUGH ? chances : [chances[nth % 3] ?? (() => true)]) {
        const run = await workOnDisk({ nth, code: "EIO", off: true, tornBytes: nth % 2 === 0 ? 700 : 0 });
        await inspect(run, run.disk.afterPowerCut(survives), run.model.refused);
      }
    }
  });

  it(
    "when any one operation of its disk fails, and what was refused has not happened",
    patience,
    async () => {
      const { operations } = await workOnDisk(undefined);
      for (const nth of points(operations, 0.9)) {
        const run = await workOnDisk({
          nth,
          code: nth % 2 === 0 ? "EIO" : "ENOSPC",
          tornBytes: nth % 3 === 0 ? 50 : 0,
        });
        await inspect(run, run.disk, []);
      }
    },
  );

  it(
    "when any one operation of a store in memory fails, and what was refused has not happened",
    patience,
    async () => {
      const { operations } = await workInMemory(0);
      for (const nth of points(operations, 0.5)) {
        const run = await workInMemory(nth);
        if (run.db === undefined) expect.fail(`no replica after the failure of operation ${nth}`);
        await inspectOpen(run.db, run, []);
      }
    },
  );
});
