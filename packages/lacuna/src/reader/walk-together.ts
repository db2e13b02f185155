import { advance, type Walk } from "@lacuna/btree";
import type { PageNo, PrefetchSource } from "@lacuna/page";

/**
 * Takes every walk to its first entry, all at the same pace: what they need next is fetched together, so that many
 * lookups in a tree take as many round trips as one.
 * @param visit called once for each walk, by its index, with whether it has an entry; not in order
 */
export async function walkTogether(
  walks: readonly Walk[],
  source: PrefetchSource,
  visit: (index: number, found: boolean) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  let waiting: Walk[] = [...walks];
  const indexes = new Map(walks.map((walk, index) => [walk, index]));
  for (;;) {
    const needed = new Map<PageNo, Walk[]>();
    for (const walk of waiting) {
      const step = advance(walk, (page) => source.peek(page));
      if (typeof step === "boolean") visit(indexes.get(walk) as number, step);
      else {
        const sharers = needed.get(step);
        if (sharers === undefined) needed.set(step, [walk]);
        else sharers.push(walk);
      }
    }
    if (needed.size === 0) return;
    await supplyAll(needed, source, signal);
    waiting = [...needed.values()].flat();
  }
}

/** Hands every walk its page. One request for all of them: the first one is demanded, and the others come along. */
async function supplyAll(
  needed: ReadonlyMap<PageNo, readonly Walk[]>,
  source: PrefetchSource,
  signal: AbortSignal | undefined,
): Promise<void> {
  const options = { signal, hint: "point" } as const;
  const [first, ...others] = needed.keys();
  const reading = first === undefined ? undefined : source.read(first, options);
  if (others.length > 0) void source.prefetch(others, { signal, cause: "walk" });
  const bytesOfFirst = await reading;
  for (const [page, walks] of needed) {
    const here = page === first ? bytesOfFirst : source.peek(page);
    const bytes = here ?? (await source.read(page, options));
    for (const walk of walks) walk.supply(page, bytes);
  }
}
