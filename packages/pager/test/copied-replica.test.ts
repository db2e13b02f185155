import { isLacunaError } from "@lacuna/page";
import { openNodeStore } from "@lacuna/storage/node";
import { SimulatedDisk, seededRandom } from "@lacuna/testkit";
import { expect, it } from "vitest";
import { found, type Place, REMOTE_STEPS, work } from "./crash-workload.ts";
import { pagerOn, shown } from "./local-replica.ts";

const PATH = "/data/app.db";
const SUFFIXES = ["", "-info", "-wal", "-changes", "-pull"];

const on = (disk: SimulatedDisk): Place => ({
  open: () => openNodeStore({ path: PATH, fileSystem: disk }),
  close: (store) => store.close(),
});

/** Every state of the pages that is committed at some time. */
const STATES = (() => {
  let model = { values: [1, 2, 3, 4, 5, 6] as readonly number[] | undefined, changes: [], revision: "r1" };
  const states = [JSON.stringify(model.values)];
  for (const step of REMOTE_STEPS) {
    model = step.result(model) as typeof model;
    states.push(JSON.stringify(model.values));
  }
  return states;
})();

/** Runs the workload while somebody copies its files, one after another, whenever it happens to be. */
async function copyOf(seed: number): Promise<SimulatedDisk> {
  const random = seededRandom(seed);
  const disk = new SimulatedDisk();
  const model = await found(on(disk), "remote");
  const order = [...SUFFIXES].sort(() => random() - 0.5);
  const copy = new SimulatedDisk();
  let next = Math.floor(random() * 250);
  let operations = 0;
  disk.before = () => {
    while (operations === next) {
      const suffix = order.shift();
      const bytes = suffix === undefined ? undefined : disk.contents(PATH + suffix);
      if (bytes !== undefined) copy.place(PATH + suffix, bytes);
      next = suffix === undefined ? -1 : next + Math.floor(random() * random() * 60);
    }
    operations++;
  };
  await work(on(disk), REMOTE_STEPS, model, { isOff: () => false });
  for (const suffix of order) {
    const bytes = disk.contents(PATH + suffix);
    if (bytes !== undefined) copy.place(PATH + suffix, bytes);
  }
  return copy;
}

it("shows a committed state or fails with a typed error where a replica was copied while it was written to", async () => {
  const outcomes = new Map<string, number>();
  for (let seed = 1; seed <= 150; seed++) {
    const disk = await copyOf(seed);
    let outcome: string;
    try {
      const store = await openNodeStore({ path: PATH, fileSystem: disk });
      try {
        const pager = await pagerOn(store);
        const values = JSON.stringify(await shown(pager).finally(() => pager.close()));
        if (!STATES.includes(values)) expect.fail(`copy ${seed} shows ${values}`);
        outcome = "a committed state";
      } finally {
        await store.close();
      }
    } catch (error) {
      if (!isLacunaError(error)) throw error;
      outcome = error.code;
    }
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }
  expect(outcomes.get("a committed state")).toBeGreaterThan(30);
  expect([...outcomes.keys()].sort()).toEqual(["OFFLINE", "REPLICA_CORRUPT", "a committed state"]);
});
