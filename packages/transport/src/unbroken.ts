import { type PageEntry, PageSet } from "@lacuna/page";
import type { RetryPolicy } from "./retry-policy.ts";

type Batches = AsyncIterable<readonly PageEntry[]>;

/** What is asked for again, and how patiently. */
export interface Resumption {
  readonly policy: RetryPolicy;
  readonly signal: AbortSignal | undefined;
  /** An iteration that has begun already; without it, the first one is asked for too. */
  readonly begun?: Batches | undefined;
  /** The pages that need not come, which grows with those that have; starts empty unless given. */
  readonly seen?: PageSet | undefined;
  /** Asks for what has not been seen yet; `undefined` where nothing is left. */
  readonly rest: (seen: PageSet) => (() => Batches) | undefined;
}

/** Pages from one iteration after another, each going on where the last one broke off. No page comes twice. */
export async function* unbroken(
  resumption: Resumption,
): AsyncGenerator<readonly PageEntry[], void, undefined> {
  const { policy, signal, begun, seen = new PageSet(), rest } = resumption;
  let ask = begun === undefined ? rest(seen) : () => begun;
  for (let failures = 1; ask !== undefined; failures++) {
    try {
      for await (const batch of ask()) {
        const fresh = batch.filter(({ page }) => seen.add(page));
        if (fresh.length === 0) continue;
        failures = 1;
        yield fresh;
      }
      return;
    } catch (error) {
      signal?.throwIfAborted();
      ask = rest(seen);
      if (ask !== undefined) await policy.pause(error, failures, signal);
    }
  }
}
