import { type ByteFile, LacunaError, type PageStore, type SideFile } from "@lacuna/page";
import { memoryStore } from "@lacuna/storage/memory";
import { openNodeStore } from "@lacuna/storage/node";
import { type DiskFault, injectFault, SimulatedDisk, seededRandom, withFaults } from "@lacuna/testkit";
import { describe, expect, it, vi } from "vitest";
import {
  found,
  LOCAL_STEPS,
  look,
  type Model,
  type Outcome,
  openAt,
  type Place,
  REMOTE_STEPS,
  rebase,
  same,
  work,
} from "./crash-workload.ts";
import { write } from "./local-replica.ts";

const PATH = "/data/app.db";
// In the longer run everything that may survive a power cut is tried at every operation, otherwise one of it.
const THOROUGH = process.env["LACUNA_THOROUGH"] === "1";
const STRIDE = THOROUGH ? 1 : 5;

/** The replica on a disk. */
function on(disk: SimulatedDisk): Place {
  return {
    async open() {
      // The lock of a handle that could not be closed: it is as if its process had ended.
      if (!disk.off) disk.discard(`${PATH}-lock`);
      return openNodeStore({ path: PATH, fileSystem: disk });
    },
    close: (store) => store.close(),
  };
}

/** A disk as it is without what nobody synced, so that every run begins alike. */
async function founded(kind: "remote" | "local"): Promise<{ disk: SimulatedDisk; model: Model }> {
  const disk = new SimulatedDisk();
  const model = await found(on(disk), kind);
  return { disk: disk.afterKill(), model };
}

const stepsOf = { remote: REMOTE_STEPS, local: LOCAL_STEPS };

interface Run {
  readonly disk: SimulatedDisk;
  readonly outcome: Outcome;
  readonly operations: number;
}

async function runWith(
  kind: "remote" | "local",
  fault: DiskFault | undefined,
  relaxed = false,
): Promise<Run> {
  const { disk, model } = await founded(kind);
  const count = injectFault(disk, fault ?? { nth: 0, code: "EIO" });
  const outcome = await work(on(disk), stepsOf[kind], model, { isOff: () => disk.off, relaxed });
  return { disk, outcome, operations: count.seen };
}

/** Opens what is left, holds it against what is allowed, and sees that it goes on from there. */
async function inspect(place: Place, { allowed, failed }: Outcome): Promise<void> {
  const replica = await openAt(place, false);
  const seen = await look(replica);
  if (!allowed.some((model) => same(model, seen))) {
    expect.fail(`after ${failed}: found ${JSON.stringify(seen)}, expected one of ${JSON.stringify(allowed)}`);
  }
  await write(replica.pager, { 1: 99 }, { change: "last" });
  const then = await look(replica);
  await replica.pager.close();
  await place.close(replica.store);
  const again = await openAt(place, false);
  expect(then.changes).toEqual([...seen.changes, "last"]);
  expect(await look(again)).toEqual(then);
  await again.pager.close();
  await place.close(again.store);
}

/** A replica in memory, of which one operation fails. Opening it again finds what was written. */
async function runInMemory(kind: "remote" | "local", nth: number, off: boolean) {
  const store = memoryStore();
  const files = new Set<ByteFile>();
  const tracked: PageStore = new Proxy(store, {
    get(target, member) {
      const value: unknown = Reflect.get(target, member);
      if (member !== "openFile") return typeof value === "function" ? value.bind(target) : value;
      return async (name: SideFile) => {
        const file = await target.openFile(name);
        files.add(file);
        return file;
      };
    },
  });
  const state = { armed: false, seen: 0, off: false };
  const faulty = withFaults(tracked, ({ kind: operation }) => {
    if (state.armed && ++state.seen === nth) state.off = off;
    else if (!state.off) return;
    throw new LacunaError("STORAGE", `${operation} fails on purpose`);
  });
  const place: Place = {
    open: async () => {
      for (const file of files) await file.close();
      return faulty;
    },
    close: async () => {},
  };
  const model = await found(place, kind);
  state.armed = true;
  const outcome = await work(place, stepsOf[kind], model, { isOff: () => state.off });
  state.armed = false;
  state.off = false;
  return { place, outcome, operations: state.seen };
}

vi.setConfig({ testTimeout: 600_000 });

describe.each(["remote", "local"] as const)(
  "a replica of a %s database in memory, at every operation",
  (kind) => {
    for (const off of [false, true]) {
      it(`holds the last acknowledged state when ${off ? "the pager ends there" : "it fails"}`, async () => {
        const { operations } = await runInMemory(kind, 0, false);
        expect(operations).toBeGreaterThan(100);
        for (let nth = 1; nth <= operations; nth++) {
          const { place, outcome } = await runInMemory(kind, nth, off);
          await inspect(place, outcome);
        }
      });
    }
  },
);

describe.each(["remote", "local"] as const)("a replica with a %s database, at every operation", (kind) => {
  it("finishes its work where nothing fails", async () => {
    for (const relaxed of [false, true]) {
      const { disk, outcome } = await runWith(kind, undefined, relaxed);
      expect(outcome.finished).toBe(true);
      await inspect(on(disk), outcome);
    }
  });

  for (const relaxed of [false, true]) {
    const how = relaxed ? "relaxed" : "durable";
    const stride = relaxed ? STRIDE : 1;

    it(`holds the last acknowledged state after a failure, and goes on (${how})`, async () => {
      const { operations } = await runWith(kind, undefined, relaxed);
      for (let nth = 1; nth <= operations; nth += stride) {
        const code = nth % 2 === 0 ? "EIO" : "ENOSPC";
        const { disk, outcome } = await runWith(kind, { nth, code, tornBytes: (nth * 131) % 700 }, relaxed);
        await inspect(on(disk), outcome);
      }
    });

    it(`holds the last acknowledged state after a power cut (${how})`, async () => {
      const { operations } = await runWith(kind, undefined, relaxed);
      for (let nth = 1; nth <= operations; nth += stride) {
        const random = seededRandom(nth);
        const fault = { nth, code: "EIO", tornBytes: (nth * 131) % 700, off: true };
        const { disk, outcome } = await runWith(kind, fault, relaxed);
        const chances = [() => false, () => random() < 0.5, () => true];
        for (const survives of THOROUGH ? chances : [chances[nth % 3] ?? (() => false)]) {
          await inspect(on(disk.afterPowerCut(survives)), outcome);
        }
      }
    });
  }

  it("is as it was also when the power is cut again while it recovers", async () => {
    const { operations } = await runWith(kind, undefined);
    for (let nth = 1; nth <= operations; nth += 3 * STRIDE) {
      const random = seededRandom(nth);
      const { disk, outcome } = await runWith(kind, { nth, code: "EIO", off: true });
      let left = disk.afterPowerCut(() => random() < 0.5);
      for (let during = 1; ; during += 2) {
        const next = left.afterKill();
        const count = injectFault(next, { nth: during, code: "EIO", off: true });
        const opened = await openAt(on(next), false).catch(() => undefined);
        await opened?.pager.close().catch(() => {});
        await opened?.store.close().catch(() => {});
        if (count.seen < during) break;
        left = next.afterPowerCut(() => random() < 0.5);
      }
      await inspect(on(left), outcome);
    }
  });
});

describe("a pull that is cut off (W20)", () => {
  const base = [1, 2, 3, 4, 5, 6];
  const second = { fresh: { 2: 102, 7: 107 }, replayed: { 3: 31 } };
  const toSecond = rebase("r2", 7, second.fresh, second.replayed, { settled: [], base });
  const toThird = rebase(
    "r3",
    7,
    { 4: 204 },
    { 3: 32 },
    {
      settled: ["a"],
      base: [1, 102, 3, 4, 5, 6, 107],
    },
  );

  it("after a checkpoint, at any operation, is done or not, and the next one finds what it expects", async () => {
    for (let nth = 1; ; nth++) {
      const { disk, model } = await founded("remote");
      const place = on(disk);
      const replica = await openAt(place, false);
      await write(replica.pager, { 3: 30 }, { change: "a" });
      await write(replica.pager, { 3: 31 });
      await replica.pager.checkpoint();
      const before = await look(replica);
      const count = injectFault(disk, { nth, code: "EIO", tornBytes: 300, off: true });
      const done = await toSecond.run(replica).then(
        () => true,
        () => false,
      );
      const random = seededRandom(nth);
      const survives = [() => false, () => random() < 0.5, () => true][nth % 3] ?? (() => false);
      const left = await openAt(on(disk.afterPowerCut(survives)), false);
      const found = await look(left);
      const after = toSecond.result({ ...model, changes: ["a"] });
      expect([...(done ? [] : [before]), after]).toContainEqual(found);
      if (same(found, before)) await toSecond.run(left);
      expect(await look(left)).toEqual(after);
      await toThird.run(left);
      expect(await look(left)).toEqual(toThird.result(after));
      await left.pager.close();
      await left.store.close();
      await replica.pager.close().catch(() => {});
      await replica.store.close().catch(() => {});
      if (count.seen < nth) break;
    }
  });
});
