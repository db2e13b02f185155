import {
  type DatabaseShape,
  type Difference,
  isLacunaError,
  LOCAL_REVISION,
  type PageEntry,
  PageSet,
  type PageStore,
  type SyncTransport,
} from "@lacuna/page";
import type { Turns } from "../turns.ts";
import type { Move } from "./move.ts";

export interface PullContext {
  readonly store: PageStore;
  readonly transport: SyncTransport;
  /** Moves the replica. */
  readonly move: Move;
  /** Pushes and moves take turns. */
  readonly turns: Turns;
  /** Grows when a push has ended, also one that brought nothing. */
  readonly pushes: () => number;
  /** Something is shown that was given up. */
  readonly isStale: () => boolean;
}

export interface PullOptions {
  readonly signal?: AbortSignal | undefined;
  /**
   * How long the remote may wait for something new, in milliseconds.
   * @default 0
   */
  readonly longPollMs?: number | undefined;
}

/** How often a pull asks at most where the remote moves on meanwhile. */
const MAX_ATTEMPTS = 5;

/**
 * Brings what others did: asks what changed of the pages that are held, takes it in place of them, and repeats the local
 * changes that the remote does not have on top, as one step that happens or does not.
 * @returns whether there was anything
 */
export async function pull(context: PullContext, options: PullOptions): Promise<boolean> {
  const { turns } = context;
  const { signal } = options;
  const inTurn: InTurn = (work) => turns.run(work, signal);
  for (let attempt = 1; ; attempt++) {
    try {
      const done =
        attempt === 1
          ? await pullOnce(context, options, inTurn)
          : // Nobody can overtake it again. What did is news enough, so the remote need not wait for more.
            await inTurn(() => pullOnce(context, { signal }, (work) => work()));
      if (done !== undefined) return done;
    } catch (error) {
      if (!isLacunaError(error, "REVISION_CHANGED") || attempt >= MAX_ATTEMPTS) throw error;
    }
    signal?.throwIfAborted();
  }
}

type InTurn = <T>(work: () => Promise<T>) => Promise<T>;

/** @returns `undefined` if what was asked was overtaken, so that it has to be asked again */
async function pullOnce(
  context: PullContext,
  { signal, longPollMs }: PullOptions,
  inTurn: InTurn,
): Promise<boolean | undefined> {
  const { store, transport, move, pushes, isStale } = context;
  const since = store.shape();
  if (since === undefined) throw new Error("BUG: a replica without a shape");
  const isOvertaken = (): boolean => store.shape()?.revision !== since.revision;
  if (since.revision === LOCAL_REVISION) {
    return inTurn(async () => {
      if (isOvertaken()) return undefined;
      await move.toNewest(signal);
      return true;
    });
  }
  const held = new PageSet(store.resident());
  const isComplete = held.size >= since.pageCount;
  const pushed = pushes();
  const request = {
    since,
    held: isComplete ? undefined : held.ranges(),
    longPollMs: isStale() ? 0 : longPollMs,
  };
  const difference = await transport.pull(request, signal === undefined ? {} : { signal });
  return end(difference, () =>
    inTurn(async () => {
      // What was pushed since may not be in it, and must not be lost from sight.
      if (pushes() !== pushed || isOvertaken()) return undefined;
      if (difference.shape.revision === since.revision && !isStale()) {
        await move.nothingNew();
        return false;
      }
      await take(move, since, held, difference, signal);
      return true;
    }),
  );
}

/** Sees to it that the pages of an answer are ended, whatever becomes of them. */
async function end<T>({ pages }: Difference, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } finally {
    await pages[Symbol.asyncIterator]().return?.();
  }
}

async function take(
  move: Move,
  since: DatabaseShape,
  held: PageSet,
  { shape, pages }: Difference,
  signal: AbortSignal | undefined,
): Promise<void> {
  // Nothing of another page size can be kept, and pages that are not held were not sent.
  if (shape.pageSize !== since.pageSize) await move.toNewest(signal);
  else await move.to({ shape, keep: held, pages: once(pages) }, signal);
}

/** The pages, without ending what they come from. */
async function* once(pages: AsyncIterable<readonly PageEntry[]>): AsyncGenerator<readonly PageEntry[]> {
  yield* pages;
}
