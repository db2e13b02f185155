import { childPages, pageKind } from "@lacuna/btree";
import type { PageNo } from "@lacuna/page";
import type { PrefetchSnapshot } from "@lacuna/pager";
import type { Tree } from "./forest.ts";
import { glanceOf } from "./glance.ts";
import { holds } from "./survey.ts";
import type { Position } from "./terrain.ts";

/** Waits in a tree before anything is made of them. */
const LEAST_WAITS = 16;
/** All waits in a tree must have taken so many times as long as the rest of it takes to come. */
const TIMES_AS_LONG = 2;
/** No larger tree comes whole, however long readers wait in it. */
const MOST_BYTES = 8_388_608;
/** Nor one that takes a larger part of the memory for pages than one in so many. */
const MEMORY_PARTS = 4;

interface Waits {
  /** Less those that paid for what came. */
  count: number;
  /** When the latest of them began. */
  since: number;
  /** For what it was. */
  latest: Position;
  /** Pages above each leaf, when a page came that is one. */
  depth: number | undefined;
}

/**
 * Has the rest of a tree brought when readers have waited for single pages of it for longer than all of it takes: what
 * comes is never more than a part of what the line could have carried while they waited. It comes a batch at a time, with
 * the waits that follow, so nothing comes when nobody reads any more.
 */
export class WholeTrees {
  readonly #usableSize: number;
  readonly #signal: AbortSignal;
  readonly #waits = new Map<Tree, Waits>();
  /** Pages that are still to come. */
  readonly #rest: PageNo[] = [];
  #coming = false;

  /** @param signal ends what was asked for */
  constructor(usableSize: number, signal: AbortSignal) {
    this.#usableSize = usableSize;
    this.#signal = signal;
  }

  /** A reader waits for a page of a tree, at a time in milliseconds. */
  waited(position: Position, snapshot: PrefetchSnapshot, now: number): void {
    const link = snapshot.linkEstimate?.();
    if (link === undefined) return;
    const waits = this.#waitsFor(position, snapshot);
    // Those who wait at the same time take no longer than one.
    if (now - waits.since < link.roundTripMs / 2) return;
    waits.count++;
    waits.since = now;
    // What the line could carry meanwhile.
    const batch = Math.ceil((link.roundTripMs * link.bytesPerSecond) / 1000 / snapshot.pageSize);
    if (this.#rest.length === 0 && waits.count >= LEAST_WAITS && waits.depth !== undefined) {
      const rest = this.#restOf(position.tree, waits.depth, snapshot);
      const cost = Math.ceil((rest.length * TIMES_AS_LONG) / batch);
      if (cost <= waits.count) {
        waits.count -= cost;
        this.#rest.push(...rest);
      }
    }
    if (!this.#coming) this.#bring(this.#rest.splice(0, batch), snapshot);
  }

  #waitsFor(position: Position, snapshot: PrefetchSnapshot): Waits {
    const known = this.#waits.get(position.tree);
    const waits = known ?? { count: 0, since: Number.NEGATIVE_INFINITY, latest: position, depth: undefined };
    this.#waits.set(position.tree, waits);
    const { page, depth } = waits.latest;
    const bytes = glanceOf(snapshot)(page);
    if (bytes !== undefined && pageKind(page, bytes)?.endsWith("leaf") === true) waits.depth = depth;
    waits.latest = position;
    return waits;
  }

  #bring(pages: readonly PageNo[], snapshot: PrefetchSnapshot): void {
    if (pages.length === 0) return;
    this.#coming = true;
    void snapshot.prefetch(pages, { signal: this.#signal, cause: "run-ahead" }).then(() => {
      this.#coming = false;
    });
  }

  /** The leaves of a tree that are not here; none if it is too large, or not all of its upper part is known. */
  #restOf({ root }: Tree, depth: number, snapshot: PrefetchSnapshot): PageNo[] {
    const glance = glanceOf(snapshot);
    const memory = (snapshot.memoryBytes ?? Number.POSITIVE_INFINITY) / MEMORY_PARTS;
    let most = Math.min(MOST_BYTES, memory) / snapshot.pageSize;
    let level = [root];
    for (let above = 0; above < depth; above++) {
      const below: PageNo[] = [];
      for (const page of level) {
        const bytes = glance(page);
        const children = bytes === undefined ? undefined : childPages(page, bytes, this.#usableSize);
        most -= children?.length ?? 0;
        if (children === undefined || most < 0) return [];
        below.push(...children);
      }
      level = below;
    }
    return level.filter((page) => !holds(snapshot, page));
  }
}
