import type { PageNo, PageSet } from "@lacuna/page";
import type { PagesEvent } from "lacuna";
import { type Cause, PAGE_STATES, type PageState } from "./page-state.ts";

const ABSENT = PAGE_STATES.indexOf("absent");
const LOCAL = PAGE_STATES.indexOf("local");
const FLAG = { onTheWay: 1, used: 2, late: 4, wasted: 8 } as const;

/** What became of pages that came ahead of their readers, by why they came. */
export interface CauseCount {
  readonly cause: Exclude<Cause, "demand">;
  readonly fetched: number;
  /** Here before their first reader. */
  useful: number;
  /** A reader was waiting already. */
  late: number;
  /** Read by nobody so far. */
  unread: number;
}

/** What is known of one page besides its state. */
export interface PageFacts {
  readonly state: PageState;
  /** Why it came, also where the state is `wasted`; `undefined` for pages that are absent or local. */
  readonly cause: Cause | undefined;
  readonly used: boolean;
  readonly late: boolean;
}

/** The state of every page of a database, brought up to date event by event: two bytes a page. */
export class PageLedger {
  readonly pageCount: number;
  readonly #causes: Uint8Array;
  readonly #flags: Uint8Array;
  readonly #requests = new Map<number, readonly PageNo[]>();
  readonly #unread = new Set<PageNo>();

  constructor(pageCount: number) {
    this.pageCount = pageCount;
    this.#causes = new Uint8Array(pageCount + 1);
    this.#flags = new Uint8Array(pageCount + 1);
  }

  /** Takes what is held without having come by an event: pages of the opening, or kept from the last time. */
  addLocal(resident: PageSet): void {
    for (const page of resident) {
      if (page <= this.pageCount && this.#causes[page] === ABSENT) this.#causes[page] = LOCAL;
    }
  }

  apply(event: PagesEvent): void {
    switch (event.type) {
      case "request":
        this.#requests.set(event.request, event.pages);
        for (const page of event.pages) this.#setFlag(page, FLAG.onTheWay);
        break;
      case "page":
        this.#arrived(event.page, event.cause, event.awaited);
        break;
      case "used":
        if (!this.#unread.delete(event.page)) break;
        this.#setFlag(event.page, FLAG.used);
        this.#clearFlag(event.page, FLAG.wasted);
        break;
      case "answer":
        for (const page of this.#requests.get(event.request) ?? []) this.#clearFlag(page, FLAG.onTheWay);
        this.#requests.delete(event.request);
        break;
      case "store-failed":
        // They are read from memory while they stay there; what the statement saw remains what is shown.
        break;
    }
  }

  /** A statement has ended: what came ahead and was not read is wasted, until somebody reads it after all. */
  endStatement(): void {
    for (const page of this.#unread) this.#setFlag(page, FLAG.wasted);
  }

  /** Position of the page's state in `PAGE_STATES`. */
  stateIndex(page: number): number {
    const flags = this.#flags[page] ?? 0;
    if ((flags & FLAG.wasted) !== 0) return PAGE_STATES.length - 1;
    const cause = this.#causes[page] ?? ABSENT;
    return cause === ABSENT && (flags & FLAG.onTheWay) !== 0 ? 1 : cause;
  }

  facts(page: PageNo): PageFacts {
    const state = PAGE_STATES[this.stateIndex(page)] as PageState;
    const cause = this.#causes[page] ?? ABSENT;
    const flags = this.#flags[page] ?? 0;
    return {
      state,
      cause: cause > LOCAL ? (PAGE_STATES[cause] as Cause) : undefined,
      used: (flags & FLAG.used) !== 0,
      late: (flags & FLAG.late) !== 0,
    };
  }

  /** Pages in each state; states without pages are left out. */
  counts(): Map<PageState, number> {
    const counts = new Uint32Array(PAGE_STATES.length);
    for (let page = 1; page <= this.pageCount; page++) {
      const index = this.stateIndex(page);
      counts[index] = (counts[index] ?? 0) + 1;
    }
    const named = new Map<PageState, number>();
    for (const [index, state] of PAGE_STATES.entries()) {
      const count = counts[index] ?? 0;
      if (count > 0) named.set(state, count);
    }
    return named;
  }

  /** What speculation was good for, in the order of the legend. */
  causes(): CauseCount[] {
    const byCause = new Map<number, { fetched: number; useful: number; late: number }>();
    for (let page = 1; page <= this.pageCount; page++) {
      const cause = this.#causes[page] ?? ABSENT;
      if (cause <= LOCAL || PAGE_STATES[cause] === "demand") continue;
      const count = byCause.get(cause) ?? { fetched: 0, useful: 0, late: 0 };
      byCause.set(cause, count);
      count.fetched++;
      const flags = this.#flags[page] ?? 0;
      if ((flags & FLAG.used) !== 0) count.useful++;
      else if ((flags & FLAG.late) !== 0) count.late++;
    }
    return [...byCause.entries()]
      .sort(([a], [b]) => a - b)
      .map(([cause, { fetched, useful, late }]) => ({
        cause: PAGE_STATES[cause] as CauseCount["cause"],
        fetched,
        useful,
        late,
        unread: fetched - useful - late,
      }));
  }

  #arrived(page: PageNo, cause: Cause, awaited: boolean): void {
    this.#causes[page] = PAGE_STATES.indexOf(cause);
    this.#flags[page] = awaited && cause !== "demand" ? FLAG.late : 0;
    if (cause !== "demand" && !awaited) this.#unread.add(page);
  }

  #setFlag(page: PageNo, flag: number): void {
    this.#flags[page] = (this.#flags[page] ?? 0) | flag;
  }

  #clearFlag(page: PageNo, flag: number): void {
    this.#flags[page] = (this.#flags[page] ?? 0) & ~flag;
  }
}
