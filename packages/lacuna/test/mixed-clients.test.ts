import { expect, it } from "vitest";
import { areInOneOrder } from "./commit-model.ts";
import { LacunaClient } from "./mixed/lacuna-client.ts";
import { RawClient } from "./mixed/raw-client.ts";
import { startRemote } from "./mixed/remote.ts";
import { seenInFile } from "./mixed/seen.ts";
import { SqlClient } from "./mixed/sql-client.ts";
import { TursoClient } from "./mixed/turso-client.ts";
import { type Client, World } from "./mixed/world.ts";

/** Of all clients together; `test:model` asks for more. */
const OPERATIONS = Number(process.env["LACUNA_OPERATIONS"] ?? 400);
const SEED = Number(process.env["LACUNA_SEED"] ?? 1);

// Two of the clients keep partial replicas, which needs Linux.
it.runIf(process.platform === "linux")(
  "eight clients of four kinds each see states that were committed, keep theirs, and agree in the end",
  async () => {
    const remote = await startRemote();
    const world = new World(remote, SEED);
    const prefix = { bootstrapStrategy: { kind: "prefix", length: 8192 }, segmentSize: 8192 } as const;
    const pushing = [
      await TursoClient.open(world, "one.db", {}),
      await TursoClient.open(world, "two.db", {}),
      await TursoClient.open(world, "three.db", { partialSyncExperimental: prefix }),
    ];
    const clients: Client[] = [
      ...pushing,
      new SqlClient(world),
      new SqlClient(world),
      await RawClient.open(world),
      new LacunaClient(world),
      new LacunaClient(world),
    ];
    let failed = false;
    const work = async (client: Client): Promise<void> => {
      for (let i = 0; i < OPERATIONS / clients.length && !failed; i++) await client.step();
    };
    // When one fails, the others end what they are at before everything is closed.
    const ended = await Promise.allSettled(
      clients.map((client) =>
        work(client).catch((error: unknown) => {
          failed = true;
          throw error;
        }),
      ),
    );
    for (const end of ended) if (end.status === "rejected") throw end.reason;
    for (const client of pushing) await client.finish();
    const truth = seenInFile(remote.path);
    expect(world.check(truth, world.begun(), world.begun())).toEqual(world.begun());
    for (const client of clients) expect(await client.last()).toEqual(truth);
    expect(areInOneOrder(world.states)).toBe(true);
    expect(world.states.length).toBeGreaterThan(OPERATIONS / 100);
    expect(remote.errors).toEqual([]);
  },
  1_800_000,
);
