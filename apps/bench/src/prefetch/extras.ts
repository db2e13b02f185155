import { predictors } from "@lacuna/prefetch";
import { openSqlite } from "@lacuna/sqlite";
import { memoryStore } from "@lacuna/storage/memory";
import { openReplica } from "@lacuna/sync";
import { syncServerTransport } from "@lacuna/transport/sync-server";
import { type NetworkProfile, SERVER_URL, simulatedNetwork } from "../network/simulated-network.ts";
import type { AnswerCheck } from "./answer-check.ts";
import { measureOnNetwork, type Opened, type Site } from "./measure.ts";
import type { Extras } from "./shows.ts";
import { lacuna } from "./systems/lacuna.ts";
import type { NetworkSystem } from "./systems/system.ts";
import type { Workload } from "./workloads/workload.ts";

/** The workload whose query is fetched at opening. */
const BOOTSTRAP_WORKLOAD = "latest-of-user";

/** Measures what is promised besides the workloads themselves. */
export async function measureExtras(
  site: Site,
  check: AnswerCheck,
  workloads: readonly Workload[],
  profile: NetworkProfile,
): Promise<Extras> {
  const workload = workloads.find(({ id }) => id === BOOTSTRAP_WORKLOAD);
  const [statement] = workload?.statements ?? [];
  if (workload === undefined || statement === undefined) throw new Error("BUG: nothing to bootstrap");
  const query = written(statement);
  const measure = (system: NetworkSystem): Promise<Opened> =>
    measureOnNetwork(system, site, workload, profile, check);
  const bootstrap = await measure(
    lacuna({
      id: "bootstrap",
      name: "bootstrap",
      partialSync: { bootstrapStrategy: { kind: "query", query } },
    }),
  );
  const staticHost = await measure(
    lacuna({ id: "hydrate", name: "hydrate", remote: "static", hydrate: query }),
  );
  return {
    bootstrap,
    staticHost,
    scoutCpuMs: await scoutCpu(site, check, workloads, profile),
    idleInstances: await idleInstances(site, workload, profile),
  };
}

/** A statement with its parameters written out, as bootstrapping by query takes it. */
function written({ sql, parameters = [] }: Workload["statements"][number]): string {
  let index = 0;
  return sql.replace(/\?/g, () => {
    const value = parameters[index++];
    return typeof value === "string" ? `'${value.replaceAll("'", "''")}'` : `${value}`;
  });
}

/** Processor time of running ahead in all workloads, by the clock of this thread. */
async function scoutCpu(
  site: Site,
  check: AnswerCheck,
  workloads: readonly Workload[],
  profile: NetworkProfile,
): Promise<number> {
  const clock = (): number => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1000;
  };
  let total = 0;
  for (const workload of workloads) {
    const system = lacuna({ id: "cpu", name: "cpu", computingClock: clock });
    const { work } = await measureOnNetwork(system, site, workload, profile, check);
    total += work.own?.runAhead?.milliseconds ?? 0;
  }
  return total;
}

/** Instances that are left for running ahead when a workload is over and the time has passed after which they are released. */
async function idleInstances(site: Site, { statements }: Workload, profile: NetworkProfile): Promise<number> {
  const pending = new Map<number, () => void>();
  let next = 0;
  const timers = {
    setTimeout: (run: () => void): unknown => {
      pending.set(++next, run);
      return next;
    },
    clearTimeout: (timer: unknown): void => void pending.delete(timer as number),
  };
  const network = simulatedNetwork(profile, site.handlers.raw);
  const transport = syncServerTransport({
    url: SERVER_URL,
    fetch: network.fetch,
    now: network.nowMs,
  });
  const replica = await openReplica({
    store: memoryStore(),
    transport,
    partial: { kind: "prefix", bytes: 131_072 },
    prefetch: predictors,
  });
  const db = await openSqlite({ source: replica.pager, timers, now: network.nowMs });
  try {
    for (const { sql, parameters = [] } of statements) await db.all(sql, ...parameters);
    if (db.stats().runAhead?.instances === 0) throw new Error("BUG: nothing was run ahead");
    for (const [timer, run] of pending) {
      pending.delete(timer);
      run();
    }
    return db.stats().runAhead?.instances ?? Number.NaN;
  } finally {
    await db.close();
    await replica.close();
  }
}
