import { isLacunaError, type PageNo } from "@lacuna/page";
import type { PrefetchSnapshot, ReadingPager } from "@lacuna/pager";
import { type HydrationTarget, hydrate } from "./hydration.ts";
import type { IngestOptions } from "./ingest.ts";
import type { ReplicaBase } from "./replica-base.ts";

/** Hydrates what a pager shows now, after the replica has moved on if it has to. */
export async function hydrateNow(
  pager: Pick<ReadingPager, "snapshot">,
  base: () => ReplicaBase | undefined,
  target: HydrationTarget,
  options: IngestOptions,
): Promise<boolean> {
  const snapshot = await pager.snapshot(options.signal === undefined ? {} : { signal: options.signal });
  try {
    const shown = base();
    if (shown === undefined) throw new Error("BUG: a replica was used before it was open");
    return await hydrate(shown.side, target, options);
  } catch (error) {
    // Only a reader of the pager can tell it to move on.
    if (isLacunaError(error, "REVISION_CHANGED")) await readMissing(snapshot, options);
    throw error;
  } finally {
    snapshot.release();
  }
}

async function readMissing(snapshot: PrefetchSnapshot, { signal }: IngestOptions): Promise<void> {
  for (let page = 1; page <= snapshot.pageCount; page++) {
    if (snapshot.holds?.(page as PageNo) !== false) continue;
    await snapshot.read(page as PageNo, { signal }).catch(() => {});
    return;
  }
}
