import { LacunaError, type PageNo } from "@lacuna/page";
import type { Follower } from "../page-file.ts";
import type { Timers } from "../reader-pool.ts";
import type { View } from "../view.ts";

/** What one execution of a statement may cost. What is left out has no limit. */
export interface QueryBudget {
  /** Bytes of the pages that it asks for, ahead of itself included. What comes along in segments is not counted. */
  readonly bytes?: number | undefined;
  /** Requests for pages, from 0. */
  readonly requests?: number | undefined;
  /** Milliseconds from its call to its end; above 0. */
  readonly timeMs?: number | undefined;
}

/** Keeps an execution within its budget. */
export class Spending {
  readonly #timers: Timers;
  readonly #controller = new AbortController();
  readonly #timer: unknown;
  readonly #paid = new Set<PageNo>();
  #bytes: number;
  #requests: number;
  /** A request for a missing page is about to be sent, and takes others along. */
  #sharing = false;

  /** @throws {LacunaError} `INVALID_OPTION` for a limit out of range */
  constructor({ bytes, requests, timeMs }: QueryBudget, timers: Timers) {
    this.#bytes = limit("bytes", bytes);
    this.#requests = limit("requests", requests);
    this.#timers = timers;
    if (timeMs !== undefined && limit("timeMs", timeMs) <= 2 ** 31 - 1) {
      const reason = new LacunaError("BUDGET", `the query may take ${timeMs} ms, and has taken them`);
      this.#timer = timers.setTimeout(() => this.#controller.abort(reason), timeMs);
    }
  }

  /** Aborts when the time is up. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** @throws {LacunaError} `BUDGET` if it cannot pay for a missing page */
  pay(page: PageNo, pageSize: number): void {
    if (this.#paid.has(page)) return;
    if (this.#requests < 1) {
      throw new LacunaError("BUDGET", "the query would need another request for this page", { page });
    }
    if (this.#bytes < pageSize) {
      throw new LacunaError("BUDGET", `the query would need ${pageSize} bytes more for this page`, { page });
    }
    this.#requests--;
    this.#bytes -= pageSize;
    this.#paid.add(page);
    this.#sharing = true;
  }

  /** Pays for as many pages asked for together as it can. @returns how many these are */
  payAhead(pages: readonly PageNo[], pageSize: number): number {
    if (!this.#sharing && this.#requests < 1) return 0;
    const count = Math.min(pages.length, Math.floor(this.#bytes / pageSize));
    if (count === 0) return 0;
    if (!this.#sharing) this.#requests--;
    this.#sharing = false;
    this.#bytes -= count * pageSize;
    for (const page of pages.slice(0, count)) this.#paid.add(page);
    return count;
  }

  end(): void {
    this.#timers.clearTimeout(this.#timer);
  }
}

function limit(name: string, value = Number.POSITIVE_INFINITY): number {
  if (value >= 0) return value;
  throw new LacunaError("INVALID_OPTION", `budget.${name} must be a number from 0, got ${value}`);
}

/** Lets a statement that is followed, or is not, pay for what it misses. */
export function payingFollower(name: string, spending: Spending, inner: Follower | undefined): Follower {
  return {
    name,
    get planned() {
      return inner?.planned ?? false;
    },
    missed: (page: PageNo, view: View, steps: number) => {
      spending.pay(page, view.snapshot.pageSize);
      inner?.missed(page, view, steps);
    },
    reached: (page) => inner?.reached(page),
    end: () => {
      spending.end();
      inner?.end();
    },
  };
}
