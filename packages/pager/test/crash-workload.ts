import {
  type DatabaseShape,
  isLacunaError,
  LOCAL_REVISION,
  PageSet,
  type PageStore,
  pageNo,
  revision,
} from "@lacuna/page";
import { ManualTimers } from "@lacuna/testkit";
import type { Pager } from "../src/index.ts";
import { filled, PAGE_SIZE, pagerOn, pages, shown, write } from "./local-replica.ts";

/** What a replica holds, as far as its user can tell. */
export interface Model {
  /** The first byte of each page; `undefined`: there is no database yet. */
  readonly values: readonly number[] | undefined;
  /** Changes that are pending, by their texts. */
  readonly changes: readonly string[];
  readonly revision: string | undefined;
}

/** One thing a user does, and what it makes of the model. */
interface Step {
  readonly name: string;
  readonly run: (replica: OpenReplica) => Promise<unknown>;
  readonly result: (model: Model) => Model;
  /** It may have happened also if it failed. */
  readonly mayHaveHappened?: boolean;
}

export interface OpenReplica {
  readonly store: PageStore;
  readonly pager: Pager;
}

/** How the workload gets at its place. */
export interface Place {
  open(): Promise<PageStore>;
  close(store: PageStore): Promise<void>;
}

const from = (first: number, count: number): number[] => Array.from({ length: count }, (_, i) => first + i);

function set(values: readonly number[], changed: Readonly<Record<number, number>>): number[] {
  const next = [...values];
  for (const [page, fill] of Object.entries(changed)) {
    while (next.length < Number(page)) next.push(0);
    next[Number(page) - 1] = fill;
  }
  return next;
}

function commit(
  values: Readonly<Record<number, number>>,
  options: { readonly change?: string; readonly pageCount?: number } = {},
): Step {
  return {
    name: `commit ${JSON.stringify({ values, ...options })}`,
    run: ({ pager }) => write(pager, values, options),
    result: (model) => {
      const next = set(model.values ?? [], values);
      const { change, pageCount = next.length } = options;
      return {
        ...model,
        values: from(0, pageCount).map((i) => next[i] ?? 0),
        changes: change === undefined ? model.changes : [...model.changes, change],
      };
    },
  };
}

const checkpoint: Step = {
  name: "checkpoint",
  run: ({ pager }) => pager.checkpoint(),
  result: (model) => model,
};

const texts = (changes: readonly { readonly bytes: Uint8Array }[]): string[] =>
  changes.map(({ bytes }) => new TextDecoder().decode(bytes));

function settle(...settled: readonly string[]): Step {
  return {
    name: `settle ${settled}`,
    run: async ({ pager }) => {
      const changes = await pager.pendingChanges();
      const ids = changes.filter((change) => settled.includes(texts([change])[0] ?? "")).map(({ id }) => id);
      await pager.settleChanges(ids);
    },
    result: (model) => ({ ...model, changes: model.changes.filter((change) => !settled.includes(change)) }),
    mayHaveHappened: true,
  };
}

/** Moves to a revision whose pages in `fresh` are new, and writes `replayed` over it. */
export function rebase(
  name: string,
  pageCount: number,
  fresh: Readonly<Record<number, number>>,
  replayed: Readonly<Record<number, number>>,
  { settled, base }: { readonly settled: readonly string[]; readonly base: readonly number[] },
): Step {
  return {
    name: `rebase to ${name}`,
    run: async ({ pager }) => {
      const changes = await pager.pendingChanges();
      const ids = changes.filter((change) => settled.includes(texts([change])[0] ?? "")).map(({ id }) => id);
      const kept = from(1, Math.min(pageCount, base.length)).filter((page) => !(page in fresh));
      await pager.rebase({
        shape: { revision: revision(name), pageSize: PAGE_SIZE, pageCount },
        keep: new PageSet(pages(...kept)),
        pages: Object.entries(fresh).map(([page, fill]) => [
          { page: pageNo(Number(page)), bytes: filled(Number(page), fill) },
        ]),
        settled: ids,
        replay: async (over) => {
          await write(over, replayed);
        },
      });
    },
    result: (model) => ({
      values: set(
        from(0, pageCount).map((i) => fresh[i + 1] ?? base[i] ?? 0),
        replayed,
      ),
      changes: model.changes.filter((change) => !settled.includes(change)),
      revision: name,
    }),
    mayHaveHappened: true,
  };
}

const reopen: Step = { name: "reopen", run: async () => {}, result: (model) => model };

const BASE = [1, 2, 3, 4, 5, 6];
const SECOND = [1, 102, 3, 4, 5, 6, 107];

/** Commits, checkpoints, rebases and settlements over a remote database of 6 pages. */
export const REMOTE_STEPS: readonly Step[] = [
  commit({ 2: 20 }, { change: "a" }),
  commit({ 2: 21, 3: 30, 8: 80 }, { change: "b" }),
  commit({ 4: 40 }),
  settle("a"),
  checkpoint,
  commit({ 2: 22 }, { change: "c", pageCount: 7 }),
  reopen,
  rebase("r2", 7, { 2: 102, 7: 107 }, { 3: 31, 4: 41 }, { settled: ["b"], base: BASE }),
  commit({ 5: 50, 9: 90 }, { change: "d" }),
  commit({ 5: 51 }, { change: "e" }),
  checkpoint,
  rebase("r3", 5, { 1: 201, 5: 205 }, { 6: 60 }, { settled: ["c", "d"], base: SECOND }),
  commit({ 1: 11 }, { change: "f", pageCount: 4 }),
  settle("e", "f"),
  commit({ 2: 29 }, { change: "g" }),
];

/** The same without a remote, where a checkpoint moves pages to the database file. */
export const LOCAL_STEPS: readonly Step[] = [
  commit({ 1: 1, 2: 2 }, { change: "a" }),
  commit({ 2: 20, 5: 50 }, { change: "b" }),
  checkpoint,
  commit({ 3: 30 }, { change: "c" }),
  commit({ 2: 21 }, { pageCount: 3 }),
  reopen,
  settle("a"),
  checkpoint,
  commit({ 4: 44 }, { change: "d" }),
];

const REMOTE: DatabaseShape = { revision: revision("r1"), pageSize: PAGE_SIZE, pageCount: BASE.length };
const LOCAL: DatabaseShape = { revision: LOCAL_REVISION, pageSize: PAGE_SIZE, pageCount: 0 };

/** Makes the replica that a workload begins with. */
export async function found(place: Place, kind: "remote" | "local"): Promise<Model> {
  const store = await place.open();
  await store.reset(kind === "remote" ? REMOTE : LOCAL);
  if (kind === "remote") {
    await store.put(BASE.map((fill, i) => ({ page: pageNo(i + 1), bytes: filled(i + 1, fill) })));
  }
  await store.flush();
  await place.close(store);
  return {
    values: kind === "remote" ? BASE : [],
    changes: [],
    revision: kind === "remote" ? "r1" : LOCAL_REVISION,
  };
}

/** What is there now. */
export async function look({ pager }: OpenReplica): Promise<Model> {
  const snapshot = await pager.snapshot();
  const name = snapshot.revision;
  snapshot.release();
  return { values: await shown(pager), changes: texts(await pager.pendingChanges()), revision: name };
}

export const same = (one: Model, other: Model): boolean => JSON.stringify(one) === JSON.stringify(other);

const isStorageError = (error: unknown): boolean =>
  isLacunaError(error, "STORAGE") || isLacunaError(error, "STORAGE_FULL");

/** Where a workload got to, and what may be found there. */
export interface Outcome {
  readonly allowed: readonly Model[];
  /** The name of the step that failed last. */
  readonly failed: string | undefined;
  /** The last step was reached. */
  readonly finished: boolean;
}

/**
 * Runs the steps from `start` on, until the files stop working. A step that fails with a storage error leaves the
 * state of before, or, where it may, that of after; then the next step runs.
 * @throws whatever else goes wrong
 */
export async function work(
  place: Place,
  steps: readonly Step[],
  start: Model,
  { isOff, relaxed = false }: { readonly isOff: () => boolean; readonly relaxed?: boolean },
): Promise<Outcome> {
  let model = start;
  let failed: string | undefined;
  let replica = await tryOpen(place, relaxed);
  const end = (allowed: readonly Model[], finished = false): Outcome => ({ allowed, failed, finished });
  // What a crash may leave of relaxed commits: any of them, from the first on.
  let possible: Model[] = [model];
  for (const step of steps) {
    if (step === reopen) {
      const closed = await tryClose(place, replica);
      if (isOff()) return end(possible);
      if (!closed) {
        failed = step.name;
        replica = await tryOpen(place, relaxed);
        model = replica === undefined ? model : await expectOneOf(replica, possible, step.name);
        possible = [model];
        continue;
      }
      possible = [model];
      replica = undefined;
    }
    replica ??= await tryOpen(place, relaxed);
    if (isOff()) return end(possible);
    if (replica === undefined)
      throw new Error(`could not open again after a single failure, at ${step.name}`);
    const after = step.result(model);
    try {
      await step.run(replica);
      model = after;
      possible = relaxed ? [...possible, after] : [after];
    } catch (error) {
      if (!isStorageError(error)) throw error;
      failed = step.name;
      const either = step.mayHaveHappened ? [model, after] : [model];
      if (isOff()) return end([...possible, model, after]);
      model = await expectOneOf(replica, either, step.name);
      possible = relaxed ? [...possible, model] : [model];
    }
  }
  const closed = await tryClose(place, replica);
  if (isOff() || !closed) return end([...possible, model]);
  return end([model], true);
}

async function expectOneOf(replica: OpenReplica, allowed: readonly Model[], step: string): Promise<Model> {
  const seen = await look(replica);
  const match = allowed.find((model) => same(model, seen));
  if (match !== undefined) return match;
  throw new Error(
    `after ${step} failed: found ${JSON.stringify(seen)}, expected one of ${JSON.stringify(allowed)}`,
  );
}

export async function openAt(place: Place, relaxed: boolean): Promise<OpenReplica> {
  const store = await place.open();
  try {
    // Its timers never pass: relaxed commits are written when something else asks for it.
    const options = relaxed ? ({ durability: "relaxed", timers: new ManualTimers() } as const) : {};
    return { store, pager: await pagerOn(store, options) };
  } catch (error) {
    await place.close(store).catch(() => {});
    throw error;
  }
}

/** Opening may fail once: one operation does. */
async function tryOpen(place: Place, relaxed: boolean): Promise<OpenReplica | undefined> {
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      return await openAt(place, relaxed);
    } catch (error) {
      if (!isStorageError(error)) throw error;
    }
  }
  return undefined;
}

async function tryClose(place: Place, replica: OpenReplica | undefined): Promise<boolean> {
  if (replica === undefined) return false;
  let closed = true;
  for (const close of [() => replica.pager.close(), () => place.close(replica.store)]) {
    try {
      await close();
    } catch (error) {
      if (!isStorageError(error)) throw error;
      closed = false;
    }
  }
  return closed;
}
