import { isLacunaError, LacunaError, type SyncTransport } from "@lacuna/page";
import type { ChangeRecord } from "@lacuna/pager";
import type { Change } from "../changes/change.ts";
import { ChangeError } from "../changes/change-error.ts";
import { decodeChange } from "../changes/change-record.ts";
import { planTransaction } from "../statements/plan.ts";
import type { Transform } from "../statements/transform.ts";
import { markInAnswer, SELECT_MARK, sameMark } from "./mark-table.ts";
import { type BatchLimits, type PlannedTransaction, type PushBatch, pushBatches } from "./push-batches.ts";
import { type PushOutcome, pushSteps } from "./push-steps.ts";
import type { Mark, SyncState } from "./sync-state.ts";

/** The local changes that the remote does not have. */
export interface PendingChanges {
  pendingChanges(): Promise<readonly ChangeRecord[]>;
  settleChanges(ids: readonly number[]): Promise<void>;
}

export interface PushContext {
  readonly transport: SyncTransport;
  readonly pending: PendingChanges;
  readonly state: SyncState;
  readonly limits: BatchLimits;
  readonly transform: Transform | undefined;
  /** How often a request is sent of which nobody knows what became, the first time included. */
  readonly attempts: number;
  /** Waits before attempt `attempt`; rejects with the signal's reason when aborted. */
  readonly pause: (attempt: number, signal: AbortSignal | undefined) => Promise<void>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** What a push brought to the remote. */
export interface PushResult {
  readonly transactions: number;
  readonly statements: number;
}

/**
 * Brings the local changes to the remote: whole transactions, in their order, some of them together in each request, which is
 * one transaction there.
 *
 * Each is taken exactly once: what the remote has of this replica is written down there in the same transaction, and what
 * is on its way is written down here before it is sent. After a lost reply, or a crash, the remote is asked first.
 *
 * With nothing to push, nothing is sent.
 * @throws {ChangeError} `PUSH_REJECTED` naming the change that the remote refused; nothing of its request was taken, and
 *   everything of it is still pending
 * @throws {LacunaError} `BUSY` if another client is writing, and what the transport reports; `push` may be called again
 * @throws `signal.reason` if aborted; the push goes on from there when it is called again
 */
export async function push(context: PushContext, signal: AbortSignal | undefined): Promise<PushResult> {
  const { pending, state } = context;
  let records = await pending.pendingChanges();
  if (records.length === 0) return { transactions: 0, statements: 0 };
  if (state.facts.inflight.length > 0) {
    await resolveInflight(context, signal);
    records = await pending.pendingChanges();
  }
  let transactions = 0;
  let statements = 0;
  for (const batch of pushBatches(planned(context, records), context.limits)) {
    // Nothing of it is for the remote.
    const isAllTaken = batch.statements.length === 0 || (await pushBatch(context, batch, signal));
    if (!isAllTaken) {
      const rest = await push(context, signal);
      return {
        transactions: transactions + rest.transactions,
        statements: statements + rest.statements,
      };
    }
    await settle(context, batch.transactions.at(-1)?.number ?? 0, batch);
    transactions += batch.transactions.length;
    statements += batch.statements.length;
  }
  return { transactions, statements };
}

function* planned(
  { state, transform }: PushContext,
  records: readonly ChangeRecord[],
): Generator<PlannedTransaction, void, undefined> {
  const discarded = new Set(state.facts.discarded);
  const isDiscarded = ({ id }: Change): boolean => discarded.has(id);
  for (const { id, bytes } of records) {
    const transaction = decodeChange(bytes, id);
    yield { ...transaction, statements: planTransaction(transaction, { transform, isDiscarded }) };
  }
}

/**
 * Sends one batch until it is known to be taken.
 * @returns false if an earlier request arrived in its place, so that some of it is left to be pushed
 */
async function pushBatch(
  context: PushContext,
  { transactions, statements }: PushBatch,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const { state, transport, attempts, pause } = context;
  const last = transactions.at(-1)?.number ?? 0;
  for (let attempt = 1; ; attempt++) {
    signal?.throwIfAborted();
    const next: Mark = { generation: randomGeneration(), transaction: last };
    const { client, confirmed: expected, inflight } = state.facts;
    await state.set({ inflight: [...inflight.slice(1 - MAX_INFLIGHT), next] });
    const { steps, outcome } = pushSteps(statements, { client, expected, next });
    let became: PushOutcome;
    try {
      const pipeline = { requests: [{ type: "batch", steps }] } as const;
      const { results } = await transport.execute(pipeline, signal === undefined ? {} : { signal });
      became = outcome(results[0]);
    } catch (error) {
      if (signal?.aborted === true || isLacunaError(error, "CLOSED")) throw error;
      if (wasNotRun(error)) {
        await forget(state, next);
        throw error;
      }
      if (attempt >= attempts || !isLacunaError(error)) throw error;
      became = { kind: "unclear" };
    }
    switch (became.kind) {
      case "taken":
        return true;
      case "refused":
        await forget(state, next);
        throw new ChangeError("PUSH_REJECTED", { change: became.change, error: became.error });
      case "busy":
        await forget(state, next);
        if (attempt >= attempts) throw new LacunaError("BUSY", `the remote is busy: ${became.error.message}`);
        break;
      case "other-mark":
        // Which one it is decides under which name to go on; then there is no such answer any more.
        if (attempt > attempts) throw unclear();
        break;
      default:
        if (attempt >= attempts) throw unclear();
    }
    await pause(attempt + 1, signal);
    if (became.kind === "busy") continue;
    const taken = await resolveInflight(context, signal);
    if (taken !== undefined) return taken.transaction >= last;
  }
}

/**
 * Finds out what became of the push that was sent last. Where the remote's mark is of neither this push nor the one before
 * it, a copy of this replica has pushed in between: then this one goes on under a name of its own.
 * @returns the mark of the one that was taken, if one was
 */
async function resolveInflight(
  context: PushContext,
  signal: AbortSignal | undefined,
): Promise<Mark | undefined> {
  const { state, transport } = context;
  const { client } = state.facts;
  const steps = [{ sql: SELECT_MARK, args: [client], wantRows: true }];
  const { results } = await transport.execute(
    { requests: [{ type: "batch", steps }] },
    { repeatable: true, ...(signal === undefined ? {} : { signal }) },
  );
  return judgeMark(state, markInAnswer(results[0]), (last) => settleUpTo(context.pending, last));
}

/** Compares the remote's mark with those that were sent, and remembers what came of it. */
async function judgeMark(
  state: SyncState,
  found: Mark | undefined,
  settleTaken: (last: number) => Promise<void>,
): Promise<Mark | undefined> {
  const { inflight, confirmed } = state.facts;
  const taken = inflight.find((mark) => sameMark(mark, found));
  if (taken !== undefined) {
    await settleTaken(taken.transaction);
    await state.set({ confirmed: taken, inflight: [] });
    return taken;
  }
  // What was sent may still be on its way, so it is not forgotten.
  if (found === undefined) await state.set({ confirmed: undefined });
  else if (!sameMark(found, confirmed)) {
    await state.set({ inflight: [], confirmed: undefined, client: state.newClient() });
  }
  return undefined;
}

const unclear = (): LacunaError =>
  new LacunaError("PROTOCOL", "the remote does not tell what became of a push");

/** A push is known to have come to nothing. */
async function forget(state: SyncState, sent: Mark): Promise<void> {
  await state.set({ inflight: state.facts.inflight.filter((mark) => !sameMark(mark, sent)) });
}

async function settleUpTo(pending: PendingChanges, last: number): Promise<void> {
  const ids = (await pending.pendingChanges()).map(({ id }) => id).filter((id) => id <= last);
  await pending.settleChanges(ids);
}

/** Requests that were given up and of which no later one has been taken: only with a remote that answers nobody are there more. */
const MAX_INFLIGHT = 32;

/** Once the remote has it: first the changes, then the mark, so that a crash between the two costs a question and no more. */
async function settle({ pending, state, now }: PushContext, last: number, batch: PushBatch): Promise<void> {
  await settleUpTo(pending, last);
  const { inflight, discarded } = state.facts;
  const settled = new Set(batch.transactions.map(({ number }) => String(number)));
  const left = discarded.filter((id) => !settled.has(id.split(".")[0] ?? ""));
  const sent = batch.statements.length > 0 ? inflight.at(-1) : undefined;
  await state.set({
    ...(sent === undefined ? {} : { confirmed: sent, inflight: [] }),
    discarded: left,
    lastPush: Math.floor(now() / 1000),
  });
}

/** Whether an error says that the remote did not even begin. */
function wasNotRun(error: unknown): boolean {
  if (!isLacunaError(error)) return false;
  const { code, status = 0 } = error;
  if (code === "HTTP_STATUS") return status >= 400 && status < 500 && status !== 408;
  return (
    code === "OFFLINE" || code === "UNAUTHORIZED" || code === "NOT_SUPPORTED" || code === "INVALID_OPTION"
  );
}

/** A number from 1 that nobody else draws: 52 random bits. */
function randomGeneration(): number {
  const [high = 0, low = 0] = crypto.getRandomValues(new Uint32Array(2));
  return (high & 0xf_ffff) * 0x1_0000_0000 + low + 1;
}
