import { LacunaError, type PageNo, type PageSource, type ReadOptions } from "@lacuna/page";

/** `true`: on the next entry. `false`: at the end. A page number: that page is needed to go on. */
export type Step = boolean | PageNo;

/**
 * A walk over pages that does no I/O: it says which page it needs and is handed it. Whoever drives it decides where
 * pages come from and whether to wait. Every walk ends, whatever the bytes say.
 */
export interface Walk {
  /**
   * Moves to the next entry. A page number stays the answer until that page was supplied; then call it again.
   * @throws {LacunaError} `CORRUPT_PAGE` if the pages contradict the file format
   */
  step(): Step;
  /**
   * Hands over the page that `step` asked for. The walk keeps the array as long as it stands on the page.
   * @throws {RangeError} if it is not the page asked for
   */
  supply(page: PageNo, bytes: Uint8Array): void;
}

/** A walk that has a result once `step` returned `false`. */
export interface Task<T> extends Walk {
  readonly result: T;
}

type Peek = (page: PageNo) => Uint8Array | undefined;

/** Moves to the next entry with the pages that `peek` has. @returns the page number where one is not there */
export function advance(walk: Walk, peek: Peek): Step {
  for (;;) {
    const step = walk.step();
    if (typeof step === "boolean") return step;
    const bytes = peek(step);
    if (bytes === undefined) return step;
    walk.supply(step, bytes);
  }
}

/**
 * Calls `visit` on every entry, without waiting. The walk itself is the entry.
 * @param visit stops the walk by returning `false`
 * @throws {LacunaError} `OFFLINE` if `peek` does not have a page
 */
export function forEachEntrySync<W extends Walk>(walk: W, peek: Peek, visit: (entry: W) => unknown): void {
  for (;;) {
    const step = advance(walk, peek);
    if (step === false) return;
    if (step !== true) throw new LacunaError("OFFLINE", "the page is not in memory", { page: step });
    if (visit(walk) === false) return;
  }
}

/**
 * Calls `visit` on every entry, waiting only where a page has to be fetched: entries of pages at hand cost no promise.
 * @param visit stops the walk by returning `false`
 */
export async function forEachEntry<W extends Walk>(
  walk: W,
  source: Pick<PageSource, "peek" | "read">,
  visit: (entry: W) => unknown,
  options?: ReadOptions,
): Promise<void> {
  const peek: Peek = (page) => source.peek(page);
  for (;;) {
    options?.signal?.throwIfAborted();
    let step = advance(walk, peek);
    while (step === true) {
      if (visit(walk) === false) return;
      step = advance(walk, peek);
    }
    if (step === false) return;
    walk.supply(step as PageNo, await source.read(step as PageNo, options));
  }
}

/** Runs a task over pages that are all at hand. @throws {LacunaError} `OFFLINE` if `peek` does not have a page */
export function runTaskSync<T>(task: Task<T>, peek: Peek): T {
  forEachEntrySync(task, peek, () => {});
  return task.result;
}

/** Runs a task, fetching the pages it needs. */
export async function runTask<T>(
  task: Task<T>,
  source: Pick<PageSource, "peek" | "read">,
  options?: ReadOptions,
): Promise<T> {
  await forEachEntry(task, source, () => {}, options);
  return task.result;
}
