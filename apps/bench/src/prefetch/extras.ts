import type { NetworkProfile } from "../network/simulated-network.ts";
import type { AnswerCheck } from "./answer-check.ts";
import { measureOnNetwork, type Site } from "./measure.ts";
import type { Extras } from "./shows.ts";
import { lacuna } from "./systems/lacuna.ts";
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
  const bootstrapped = await measureOnNetwork(
    lacuna({ id: "query", name: "query", partial: { kind: "query", sql: bound(statement) } }),
    site,
    workload,
    profile,
    check,
  );
  const onStaticHost = lacuna({ id: "static", name: "static", remote: "static" });
  const cold = await measureOnNetwork(onStaticHost, site, workload, profile, check);
  const again = { ...workload, before: workload.statements };
  const warm = await measureOnNetwork(onStaticHost, site, again, profile, check);
  return {
    bootstrap: { opening: bootstrapped.opening.requests, query: bootstrapped.work.requests },
    staticHost: { requests: cold.opening.requests + cold.work.requests, repeated: warm.work.requests },
    scoutCpuMs: await scoutCpu(site, check, workloads, profile),
    idleInstances: await idleInstances(site, check, workload, profile),
  };
}

/** A statement with its parameters written out, as bootstrapping by query takes it. */
function bound({ sql, parameters = [] }: Workload["statements"][number]): string {
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
    const system = lacuna({ id: "cpu", name: "cpu", scoutClock: clock });
    const { work } = await measureOnNetwork(system, site, workload, profile, check);
    total += work.runAhead?.milliseconds ?? 0;
  }
  return total;
}

/** Instances that are left for running ahead when a workload is over and the time has passed after which they are released. */
async function idleInstances(
  site: Site,
  check: AnswerCheck,
  workload: Workload,
  profile: NetworkProfile,
): Promise<number> {
  const pending = new Map<number, () => void>();
  let next = 0;
  const timers = {
    setTimeout: (run: () => void): unknown => {
      pending.set(++next, run);
      return next;
    },
    clearTimeout: (timer: unknown): void => void pending.delete(timer as number),
  };
  const elapse = (): void => {
    for (const [timer, run] of pending) {
      pending.delete(timer);
      run();
    }
  };
  const system = lacuna({ id: "idle", name: "idle", timers });
  const { work } = await measureOnNetwork(
    {
      ...system,
      open: async (where) => {
        const db = await system.open(where);
        const { stats } = db;
        if (stats === undefined) throw new Error("BUG: no statistics");
        return {
          ...db,
          stats: () => {
            elapse();
            return stats();
          },
        };
      },
    },
    site,
    workload,
    profile,
    check,
  );
  return work.runAhead?.instances ?? Number.NaN;
}
