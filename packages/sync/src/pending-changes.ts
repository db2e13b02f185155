import { LacunaError } from "@lacuna/page";
import type { ChangeId, RowChange } from "./changes/change.ts";
import { describeChange, type PendingChange } from "./changes/change-error.ts";
import { decodeChange } from "./changes/change-record.ts";
import type { PendingChanges } from "./push/push.ts";
import type { SyncState } from "./push/sync-state.ts";
import { travels } from "./statements/plan.ts";

/** Given up one by one at most; beyond, whole transactions must be. They are kept among the small facts of a replica. */
const MAX_DISCARDED = 1000;

/** What is to be pushed, change by change. */
export async function pendingChanges(
  pending: PendingChanges,
  { facts }: SyncState,
): Promise<PendingChange[]> {
  const discarded = new Set(facts.discarded);
  const changes: PendingChange[] = [];
  for (const { id, bytes } of await pending.pendingChanges()) {
    for (const change of decodeChange(bytes, id).changes) {
      if (discarded.has(change.id) || (change.kind === "row" && !isShown(change))) continue;
      changes.push(describeChange(change));
    }
  }
  return changes;
}

/** What does not travel is no news, nor what only makes room for another change. */
const isShown = (change: RowChange): boolean => change.parks === undefined && travels(change);

/**
 * Gives up a change, such as `17.3`, or a whole transaction, such as `17`.
 * @throws {LacunaError} `INVALID_OPTION` if it is not pending
 */
export async function discard(pending: PendingChanges, state: SyncState, id: ChangeId): Promise<void> {
  if (typeof id !== "string") throw notNamed(id);
  const number = Number(id.split(".")[0]);
  const record = (await pending.pendingChanges()).find((each) => each.id === number);
  if (record === undefined) throw notPending(id);
  const { discarded } = state.facts;
  const ids = decodeChange(record.bytes, number).changes.map((change) => change.id);
  const given = id.includes(".") ? [id] : ids;
  if (!given.every((each) => ids.includes(each))) throw notPending(id);
  const all = new Set([...discarded, ...given]);
  if (ids.every((each) => all.has(each))) {
    await state.set({ discarded: discarded.filter((each) => !ids.includes(each)), stale: true });
    await pending.settleChanges([number]);
    return;
  }
  if (all.size > MAX_DISCARDED) {
    throw new LacunaError("INVALID_OPTION", `at most ${MAX_DISCARDED} changes can be given up one by one`);
  }
  await state.set({ discarded: [...all], stale: true });
}

const notNamed = (id: unknown): LacunaError =>
  new LacunaError("INVALID_OPTION", `a change is named by a string, such as "17.3" or "17", got ${id}`);

const notPending = (id: string): LacunaError =>
  new LacunaError("INVALID_OPTION", `no change ${id} is pending`);
