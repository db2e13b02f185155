import { type DatabaseShape, LacunaError, type PageStore, type Transport } from "@lacuna/page";
import type { CacheEvent } from "./cache-event.ts";
import { nextMacrotask, type Schedule } from "./schedule.ts";
import { DEFAULT_SEGMENT_BYTES, segmentBytesFor } from "./segment.ts";

/** What a cache needs of a transport. */
export type PageTransport = Pick<Transport, "fetchPages" | "linkEstimate">;

export interface SegmentCacheOptions {
  /** Where missing pages come from. Without it a page that is not resident is `OFFLINE`. */
  readonly transport?: PageTransport | undefined;
  /** Where pages live. Its shape must be `shape`. It stays the caller's: `close` does not close it. */
  readonly store: PageStore;
  /** The database and the one revision that every fetch names. */
  readonly shape: DatabaseShape;
  /**
   * Bytes fetched together around a demanded page, rounded down to whole pages, at least one page. Larger means fewer
   * round trips and more bytes nobody reads. `"auto"` follows the link: about what it carries in one round trip, from
   * 16 KiB to 1 MiB, and 128 KiB until it was measured.
   * @default 131072
   */
  readonly segmentBytes?: number | "auto" | undefined;
  /**
   * Bytes of pages kept in memory over the store. Pages that the store has not taken yet come on top, at most about
   * 1 MiB.
   * @default 33554432
   */
  readonly memoryBytes?: number | undefined;
  /**
   * Pages in one request; what is more goes into further requests at the same time.
   * @default 4096
   */
  readonly maxRequestPages?: number | undefined;
  /**
   * Calls back once after everything that is due in this turn: what is wanted until then shares a request.
   * @default one macrotask: `setImmediate`, a message or a timer
   */
  readonly schedule?: Schedule | undefined;
  /** Told of requests, pages, answers and failures of the store. Must not throw. */
  readonly onEvent?: ((event: CacheEvent) => void) | undefined;
}

const DEFAULT_MEMORY_BYTES = 32 * 1024 * 1024;
const DEFAULT_MAX_REQUEST_PAGES = 4096;

/** Options with every default in place, in the units the cache counts in. */
export interface ResolvedOptions {
  readonly transport: PageTransport | undefined;
  readonly store: PageStore;
  readonly shape: DatabaseShape;
  readonly segmentPages: () => number;
  readonly memoryPages: number;
  readonly maxRequestPages: number;
  readonly schedule: Schedule;
  readonly onEvent: (event: CacheEvent) => void;
}

/** @throws {LacunaError} `INVALID_OPTION` for an option out of range or a store of another shape */
export function resolveOptions(options: SegmentCacheOptions): ResolvedOptions {
  const { shape, store, transport } = options;
  checkShape(store.shape(), shape);
  const { segmentBytes = DEFAULT_SEGMENT_BYTES } = options;
  if (segmentBytes !== "auto") atLeast(1, "segmentBytes", segmentBytes);
  const memoryBytes = atLeast(0, "memoryBytes", options.memoryBytes ?? DEFAULT_MEMORY_BYTES);
  return {
    transport,
    store,
    shape,
    segmentPages: () => {
      const bytes = segmentBytes === "auto" ? segmentBytesFor(transport?.linkEstimate?.()) : segmentBytes;
      return Math.max(1, Math.floor(bytes / shape.pageSize));
    },
    memoryPages: Math.floor(memoryBytes / shape.pageSize),
    maxRequestPages: atLeast(1, "maxRequestPages", options.maxRequestPages ?? DEFAULT_MAX_REQUEST_PAGES),
    schedule: options.schedule ?? nextMacrotask(),
    onEvent: options.onEvent ?? (() => {}),
  };
}

function atLeast(minimum: number, name: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= minimum) return value;
  throw new LacunaError("INVALID_OPTION", `${name} must be an integer of at least ${minimum}, got ${value}`);
}

function checkShape(found: DatabaseShape | undefined, expected: DatabaseShape): void {
  const same =
    found !== undefined &&
    found.revision === expected.revision &&
    found.pageSize === expected.pageSize &&
    found.pageCount === expected.pageCount;
  if (same) return;
  const what = found === undefined ? "a store without a shape" : describeShape(found);
  throw new LacunaError("INVALID_OPTION", `expected a store of ${describeShape(expected)}, found ${what}`);
}

function describeShape({ revision, pageCount, pageSize }: DatabaseShape): string {
  return `revision ${revision} with ${pageCount} pages of ${pageSize} bytes`;
}
