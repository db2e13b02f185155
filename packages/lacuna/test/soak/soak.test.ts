import { expect, it } from "vitest";
import { LacunaActor } from "./lacuna-actor.ts";
import { shownState } from "./model-state.ts";
import { TursoActor } from "./turso-actor.ts";
import { type Actor, World } from "./world.ts";

/** Steps of all worlds together; `test:soak` asks for more. */
const STEPS = Number(process.env["LACUNA_SOAK_STEPS"] ?? 5000);
const SEED = Number(process.env["LACUNA_SOAK_SEED"] ?? 1);
/** Each world has a schema of its own. */
const STEPS_OF_A_WORLD = 500;

/** Four of ours, and two of ours or of another make. */
async function actorsOf(world: World, isMixed: boolean): Promise<Actor[]> {
  const others = isMixed
    ? [await TursoActor.open(world, "turso"), await TursoActor.open(world, "turso-too")]
    : [
        await LacunaActor.open(world, { name: "full-file", isPartial: false, isInFiles: true }),
        await LacunaActor.open(world, { name: "other", isPartial: true, isInFiles: false }),
      ];
  return [
    ...others,
    await LacunaActor.open(world, { name: "full", isPartial: false, isInFiles: false }),
    await LacunaActor.open(world, { name: "partial", isPartial: true, isInFiles: false }),
    await LacunaActor.open(world, {
      name: "small-pushes",
      isPartial: true,
      isInFiles: false,
      pushOperationsThreshold: 3,
    }),
    await LacunaActor.open(world, { name: "partial-file", isPartial: true, isInFiles: true }),
  ];
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

async function runWorld(seed: number, steps: number, isMixed: boolean): Promise<void> {
  const world = await World.make(seed, { isPlain: isMixed });
  const actors = await actorsOf(world, isMixed);
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

async function runWorlds(steps: number, isMixed: boolean): Promise<void> {
  for (let done = 0; done < steps; done += STEPS_OF_A_WORLD) {
    await runWorld(SEED + done / STEPS_OF_A_WORLD, Math.min(STEPS_OF_A_WORLD, steps - done), isMixed);
  }
}

it(
  "replicas of all kinds agree in the end with what was pushed last, whatever happens",
  {
    timeout: 12 * 60 * 60_000,
  },
  () => runWorlds(STEPS * 0.7, false),
);

// That client exists for files on Linux only; elsewhere this shows up as skipped.
it.skipIf(process.platform !== "linux")(
  "so do replicas beside unmodified clients of another make",
  { timeout: 12 * 60 * 60_000 },
  () => runWorlds(STEPS * 0.3, true),
);
