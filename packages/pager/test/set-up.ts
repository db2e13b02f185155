import { SegmentCache } from "@lacuna/cache";
import type { PrefetchSource } from "@lacuna/page";
import { memoryStore } from "@lacuna/storage/memory";
import { patternDatabase, RecordingTransport } from "@lacuna/testkit";
import { ReadingPager, type ReadingPagerOptions } from "../src/index.ts";

export const first = patternDatabase(20, { pageSize: 512, revision: "r1" });
export const second = patternDatabase(30, { pageSize: 512, revision: "r2" });

/** What the transport serves now, behind a new cache. */
export async function cacheOver(transport: RecordingTransport): Promise<SegmentCache> {
  const { shape } = await transport.open();
  const store = memoryStore();
  await store.reset(shape);
  return new SegmentCache({ transport, store, shape, segmentBytes: 512 });
}

/** A re-pin that is held until the test says how it ends. */
export class ScriptedRepin {
  readonly signals: AbortSignal[] = [];
  #end: ((outcome: Promise<PrefetchSource>) => void)[] = [];

  readonly repin = (signal: AbortSignal): Promise<PrefetchSource> => {
    this.signals.push(signal);
    return new Promise((resolve) => {
      this.#end.push(resolve);
    });
  };

  succeed(source: PrefetchSource): void {
    this.#end.shift()?.(Promise.resolve(source));
  }

  fail(error: unknown): void {
    this.#end.shift()?.(Promise.reject(error));
  }
}

/** A pager over pages 1 to 20 of revision r1. */
export async function setUp(options: Partial<ReadingPagerOptions> = {}) {
  const transport = new RecordingTransport(first);
  const cache = await cacheOver(transport);
  const scripted = new ScriptedRepin();
  const pager = new ReadingPager({ base: cache, repin: scripted.repin, ...options });
  return { transport, cache, pager, scripted };
}
