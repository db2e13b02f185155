import { expect, it } from "vitest";
import { LacunaActor } from "./lacuna-actor.ts";
import { shownState } from "./model-state.ts";
import { type Actor, World } from "./world.ts";

/** Steps of all worlds together; `test:soak` asks for more. */
const STEPS = Number(process.env["LACUNA_SOAK_STEPS"] ?? 5000);
const SEED = Number(process.env["LACUNA_SOAK_SEED"] ?? 1);
/** Each world has a schema of its own. */
const STEPS_OF_A_WORLD = 500;

async function actorsOf(world: World): Promise<Actor[]> {
  const actors: Actor[] = [
    await LacunaActor.open(world, { name: "full", isPartial: false, isInFiles: false }),
    await LacunaActor.open(world, { name: "partial", isPartial: true, isInFiles: false }),
    await LacunaActor.open(world, {
      name: "small-pushes",
      isPartial: true,
      isInFiles: false,
      pushOperationsThreshold: 3,
    }),
    await LacunaActor.open(world, { name: "partial-file", isPartial: true, isInFiles: true }),
    await LacunaActor.open(world, { name: "full-file", isPartial: false, isInFiles: true }),
    await LacunaActor.open(world, { name: "other", isPartial: true, isInFiles: false }),
  ];
  return actors;
}

/** Everybody pushes, then pulls until there is nothing new: then all have the same. */
async function settle(world: World, actors: readonly Actor[]): Promise<void> {
  await world.drain();
  for (const actor of actors) await actor.pullAll();
  for (const actor of actors) await actor.pushAll();
  for (const actor of actors) await actor.pullAll();
  const expected = shownState(world.state);
  expect(await world.shownRemote(), "what the remote has").toEqual(expected);
  expect(world.remote.rows("PRAGMA integrity_check")).toEqual([["ok"]]);
  for (const actor of actors) {
    expect(shownState(actor.model.view), `the model of ${actor.name}`).toEqual(expected);
    await actor.check();
  }
}

async function runWorld(seed: number, steps: number): Promise<void> {
  const world = await World.make(seed, { isPlain: false });
  const actors = await actorsOf(world);
  let done = 0;
  try {
    for (; done < steps; done++) {
      const actor = actors[world.work.below(actors.length + 1)];
      if (actor === undefined) world.rawStep();
      else await actor.step();
    }
    await settle(world, actors);
    if (process.env["LACUNA_SOAK_COUNTS"] !== undefined) console.log(seed, Object.fromEntries(world.counts));
  } catch (cause) {
    const command = `LACUNA_SOAK_SEED=${seed} LACUNA_SOAK_STEPS=${Math.min(done + 1, steps)}`;
    throw new Error(`${command}: ${(cause as Error).message}`, { cause });
  } finally {
    for (const actor of actors) await actor.close();
  }
}

it("replicas of all kinds agree in the end with what was pushed last, whatever happens", {
  timeout: 6 * 60 * 60_000,
}, async () => {
  for (let done = 0; done < STEPS; done += STEPS_OF_A_WORLD) {
    await runWorld(SEED + done / STEPS_OF_A_WORLD, Math.min(STEPS_OF_A_WORLD, STEPS - done));
  }
});
