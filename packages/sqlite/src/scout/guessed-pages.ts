import { LacunaError, type PageNo, type Revision } from "@lacuna/page";
import type { Snapshot } from "@lacuna/pager";
import type { Forest } from "./forest.ts";
import type { Glance } from "./glance.ts";
import { type Position, Terrain } from "./terrain.ts";

/** Decides how a run goes on at pages that are not here. */
export interface Guide {
  /** The run reads a page. Throws to end it. */
  step(page: PageNo): void;
  /**
   * The run came to a page that is not here.
   * @returns whether it may go on over a placeholder at once; if not, it waits for `proceed`
   */
  meet(page: PageNo): boolean;
  /** Resolves when it may go on, and rejects to end it. */
  proceed(): Promise<void>;
}

/** Where the change counter is, and where it is repeated. File Format, "The Database Header". */
const CHANGE_COUNTERS = [24, 92];

/**
 * The pages that are here, and placeholders for those that are not: what a scout runs over. Every run shows another change
 * counter, so that SQLite keeps no page of the run before.
 */
export class GuessedPages implements Snapshot {
  readonly revision: Revision;
  readonly version: number;
  readonly pageSize: number;
  readonly pageCount: number;
  readonly #glance: Glance;
  readonly #terrain: Terrain;
  readonly #guide: Guide;
  readonly #run: number;
  /** Whoever reads a page copies it at once, and a run reads thousands in a row. */
  readonly #scratch: Uint8Array;

  /**
   * @param run a number that is another one for each run
   * @param writes whether placeholders may be written to
   */
  constructor(
    snapshot: Snapshot,
    glance: Glance,
    forest: Forest,
    guide: Guide,
    run: number,
    writes: boolean,
  ) {
    this.revision = snapshot.revision;
    this.version = snapshot.version;
    this.pageSize = snapshot.pageSize;
    this.pageCount = snapshot.pageCount;
    this.#glance = glance;
    this.#terrain = new Terrain(forest, snapshot.pageSize, snapshot.pageCount, writes);
    this.#guide = guide;
    this.#run = run;
    this.#scratch = new Uint8Array(snapshot.pageSize);
  }

  peek(page: PageNo): Uint8Array | undefined {
    this.#guide.step(page);
    const bytes = this.#here(page);
    if (bytes !== undefined) return bytes;
    return this.#guide.meet(page) ? this.#terrain.placeholder(page) : undefined;
  }

  async read(page: PageNo): Promise<Uint8Array> {
    await this.#guide.proceed();
    return this.#here(page) ?? this.#terrain.placeholder(page);
  }

  /** What the page holds may name other pages. */
  leads(page: PageNo): boolean {
    return this.#terrain.leads(page);
  }

  /** Where a page hangs, if the run came to know. */
  position(page: PageNo): Position | undefined {
    return this.#terrain.position(page);
  }

  /** Pages of indexes that were read. */
  get indexPages(): number {
    return this.#terrain.indexPages;
  }

  /** Takes over the row ids that indexes were found to point to. */
  inherit(before: GuessedPages): void {
    this.#terrain.inherit(before.#terrain);
  }

  /** Interior pages beside a missed one that are not here. */
  beside(page: PageNo): PageNo[] {
    return [...this.#terrain.beside(page)].filter((each) => this.#glance(each) === undefined);
  }

  /** Pages of the upper parts of what a virtual table keeps that are not here, if a page of it is missed. */
  together(page: PageNo): PageNo[] {
    return [...this.#terrain.together(page, this.#glance)].filter((each) => this.#glance(each) === undefined);
  }

  release(): void {}

  #here(page: PageNo): Uint8Array | undefined {
    const bytes = this.#glance(page, this.#scratch);
    if (bytes === undefined) {
      if (page !== 1) return undefined;
      throw new LacunaError("OFFLINE", "no run ahead without the header of the database", { page });
    }
    this.#terrain.see(page, bytes);
    return page === 1 ? withChangeCounter(bytes, this.#run) : bytes;
  }
}

/** Page 1 with another change counter, by which SQLite sees that it must not rely on what it keeps. */
export function withChangeCounter(page1: Uint8Array, counter: number): Uint8Array {
  const bytes = page1.slice();
  const view = new DataView(bytes.buffer);
  for (const offset of CHANGE_COUNTERS) view.setUint32(offset, counter);
  return bytes;
}
