import { afterAll, beforeEach, describe, expect, it, vi } from "vitest";
import { LacunaActor } from "./lacuna-actor.ts";
import { shownState } from "./model-state.ts";
import { TursoActor } from "./turso-actor.ts";
import { type Actor, World } from "./world.ts";

/** Steps of all worlds together; `test:soak` asks for more. */
const STEPS = Number(process.env["LACUNA_SOAK_STEPS"] ?? 5000);
const SEED = Number(process.env["LACUNA_SOAK_SEED"] ?? 1);
/** Whether to say how often what happened. */
const IS_TOLD = process.env["LACUNA_SOAK_COUNTS"] !== undefined;
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

interface Failure {
  /** After how many steps it showed. */
  readonly steps: number;
  readonly cause: unknown;
}

/** Lives through a world of so many steps. @returns what went wrong */
async function live(
  world: World,
  { steps, isMixed }: { steps: number; isMixed: boolean },
): Promise<Failure | undefined> {
  const actors = await actorsOf(world, isMixed);
  let done = 0;
  try {
    while (done < steps) {
      const actor = actors[world.work.below(actors.length + 1)];
      done++;
      if (actor === undefined) world.rawStep();
      else await actor.step();
    }
    await settle(world, actors);
    return undefined;
  } catch (cause) {
    return { steps: done, cause };
  } finally {
    for (const actor of actors) await actor.close().catch(() => {});
  }
}

/** Halves the steps for as long as it fails in the end: what a step itself found needs all the steps before it. */
async function shortest(
  failure: Failure,
  again: (steps: number) => Promise<Failure | undefined>,
): Promise<Failure> {
  let [passing, failing] = [0, failure];
  while (failing.steps - passing > 1) {
    const middle = Math.floor((passing + failing.steps) / 2);
    const found = await again(middle);
    if (found === undefined) passing = middle;
    else failing = found;
  }
  return failing;
}

async function runWorld(
  seed: number,
  { steps, isMixed }: { steps: number; isMixed: boolean },
): Promise<ReadonlyMap<string, number>> {
  const world = await World.make(seed, { isPlain: isMixed });
  const failure = await live(world, { steps, isMixed });
  if (failure === undefined) return world.counts;
  const { steps: fewest, cause } = await shortest(failure, async (fewer) =>
    live(await World.make(seed, { isPlain: isMixed }), { steps: fewer, isMixed }),
  );
  const command = `LACUNA_SOAK_SEED=${seed} LACUNA_SOAK_STEPS=${fewest}`;
  throw new Error(`${command}: ${(cause as Error).message}`, { cause });
}

/** Each world is a test of its own, which cleans up behind itself. */
function soak(share: number, isMixed: boolean): void {
  // A prefix of one world is run as it is, so that what failed can be seen again.
  const all = STEPS <= STEPS_OF_A_WORLD ? STEPS : Math.round(STEPS * share);
  const counts = new Map<string, number>();
  for (let done = 0, seed = SEED; done < all; done += STEPS_OF_A_WORLD, seed++) {
    const steps = Math.min(STEPS_OF_A_WORLD, all - done);
    it(`seed ${seed}, ${steps} steps`, { timeout: 60 * 60_000 }, async () => {
      for (const [what, count] of await runWorld(seed, { steps, isMixed }))
        counts.set(what, (counts.get(what) ?? 0) + count);
    });
  }
  if (IS_TOLD) afterAll(() => console.log(Object.fromEntries(counts)));
  if (all < 1500) return;
  it.each(["repeated", "taken", "killed", "failed: NETWORK", "late before a push"])(
    "what is rare happens, too: %s",
    (what) => expect(counts.get(what)).toBeGreaterThan(0),
  );
}

// Waits before another attempt are drawn between none and some time: here they are none.
beforeEach(() => {
  const drawn = vi.spyOn(Math, "random").mockReturnValue(0);
  return () => drawn.mockRestore();
});

describe("replicas of all kinds agree in the end with what was pushed last, whatever happens", () => {
  soak(0.7, false);
});

// That client exists for files on Linux only; elsewhere this shows up as skipped.
describe.skipIf(process.platform !== "linux")(
  "so do replicas beside unmodified clients of another make",
  () => {
    soak(0.3, true);
  },
);
