import {
  type Handler,
  type NetworkProfile,
  SERVER_URL,
  simulatedNetwork,
} from "../network/simulated-network.ts";
import type { AnswerCheck } from "./answer-check.ts";
import { RequestLog, serialMilliseconds } from "./systems/request-log.ts";
import type { NetworkSystem, OpenSystem, OwnStats, SerialSystem } from "./systems/system.ts";
import { OPENING, type Statement, type Workload } from "./workloads/workload.ts";

/** What a workload cost on a network. */
export interface Cost {
  readonly requests: number;
  readonly sentBytes: number;
  /** Body bytes received, as they travelled. */
  readonly receivedBytes: number;
  readonly simulatedMs: number;
  /** Processor time of this process, server and simulation included. Not part of the simulated time. */
  readonly cpuMs: number;
  readonly own?: OwnStats | undefined;
}

export interface Opened {
  /** Of opening, the schema read. */
  readonly opening: Cost;
  /** Of the workload. */
  readonly work: Cost;
  /** Received from opening to the end, also by what runs before the measurement. */
  readonly allBytes: number;
}

/** A file and those who serve it. */
export interface Site {
  readonly path: string;
  readonly name: string;
  readonly handlers: Readonly<Record<NetworkSystem["server"], Handler>>;
}

interface Traffic {
  readonly requests: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

async function runAll(
  db: OpenSystem,
  { before = [], statements, atOnce }: Workload,
  check: AnswerCheck,
  begin: () => void,
): Promise<void> {
  const run = async (statement: Statement): Promise<void> => check.same(statement, await db.all(statement));
  for (const statement of before) await db.all(statement);
  begin();
  if (atOnce === true) await Promise.all(statements.map(run));
  else for (const statement of statements) await run(statement);
}

/** Opens, runs the workload and takes the traffic at each stage. */
async function stages<T>(
  open: () => Promise<OpenSystem>,
  workload: Workload,
  check: AnswerCheck,
  take: () => T,
): Promise<{
  readonly taken: readonly [T, T, T, T];
  readonly cpu: readonly number[];
  readonly db: OpenSystem;
}> {
  const marks: T[] = [take()];
  const cpu = [cpuMilliseconds()];
  const mark = (): void => {
    marks.push(take());
    cpu.push(cpuMilliseconds());
  };
  const db = await open();
  try {
    await db.all(OPENING);
    mark();
    await runAll(db, workload, check, mark);
    mark();
  } catch (error) {
    await db.close();
    throw error;
  }
  return { taken: marks as unknown as readonly [T, T, T, T], cpu, db };
}

/** Runs a workload on a simulated network. */
export async function measureOnNetwork(
  system: NetworkSystem,
  site: Site,
  workload: Workload,
  profile: NetworkProfile,
  check: AnswerCheck,
): Promise<Opened> {
  const network = simulatedNetwork(profile, site.handlers[system.server]);
  const url = system.path === "file" ? `${SERVER_URL}/${site.name}` : SERVER_URL;
  const { taken, cpu, db } = await stages(
    () => system.open({ url, fetch: network.fetch, now: network.nowMs }),
    workload,
    check,
    () => network.traffic(),
  );
  const own = await db.stats?.();
  await db.close();
  const cost = (from: number, to: number): Cost => {
    const [before, after] = [taken[from], taken[to]];
    if (before === undefined || after === undefined) throw new Error("BUG: a stage without a mark");
    return {
      ...difference(after, before),
      simulatedMs: after.elapsedMs - before.elapsedMs,
      cpuMs: (cpu[to] ?? 0) - (cpu[from] ?? 0),
    };
  };
  return { opening: cost(0, 1), work: { ...cost(2, 3), own }, allBytes: taken[3].receivedBytes };
}

/** What a serial client asks for: on every network the same. */
export interface SerialCost {
  readonly opening: Traffic;
  readonly work: Traffic;
  readonly cpuMs: number;
}

/** Runs a workload without a network. */
export async function measureSerially(
  system: SerialSystem,
  site: Site,
  workload: Workload,
  check: AnswerCheck,
): Promise<SerialCost> {
  const log = new RequestLog();
  const open = (): Promise<OpenSystem> => system.open({ handler: site.handlers.raw, path: site.path, log });
  const running = stages(open, workload, check, () => log.traffic());
  running.catch(() => {});
  const { taken, cpu, db } = await Promise.race([running, log.givenUp]);
  await db.close();
  return {
    opening: difference(taken[1], taken[0]),
    work: difference(taken[3], taken[2]),
    cpuMs: (cpu[3] ?? 0) - (cpu[2] ?? 0),
  };
}

/** The cost of it on one network. */
export function serialCost({ opening, work, cpuMs }: SerialCost, profile: NetworkProfile): Opened {
  return {
    opening: { ...opening, simulatedMs: serialMilliseconds(opening, profile), cpuMs: 0 },
    work: { ...work, simulatedMs: serialMilliseconds(work, profile), cpuMs },
    allBytes: opening.receivedBytes + work.receivedBytes,
  };
}

const difference = (after: Traffic, before: Traffic): Traffic => ({
  requests: after.requests - before.requests,
  sentBytes: after.sentBytes - before.sentBytes,
  receivedBytes: after.receivedBytes - before.receivedBytes,
});

function cpuMilliseconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
