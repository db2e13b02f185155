import type { PageNo } from "@lacuna/page";
import type { PrefetchSnapshot } from "@lacuna/pager";
import type { Connection } from "../connection.ts";
import { walkThrough } from "../execution.ts";
import { pause } from "../pause.ts";
import { SqlError } from "../sql-error.ts";
import { View } from "../view.ts";
import type { Forest } from "./forest.ts";
import type { Glance } from "./glance.ts";
import { GuessedPages, type Guide } from "./guessed-pages.ts";
import type { Scout } from "./scouts.ts";
import type { Position } from "./terrain.ts";

/** A statement that is run. */
export interface Task {
  readonly sql: string;
  readonly given: readonly unknown[];
  /** Rows wanted at most. */
  readonly limit: number;
  readonly writes: boolean;
}

/** For whom a run names pages. */
export interface RunOwner {
  /** How many pages to name that were not asked for. */
  readonly sight: number;
  /** The reader waits for a page. */
  readonly waiting: boolean;
  /** The page was asked for already. */
  knows(page: PageNo): boolean;
  /** The run reads a page. @returns whether it may go on */
  step(page: PageNo): boolean;
  /** The run waits for room. */
  stuck(run: ScoutRun): void;
  /** Asks for pages out of the queue, as many as there is room for. */
  send(run: ScoutRun): void;
  now(): number;
}

/** Where a run takes place. */
export interface Ground {
  readonly view: View;
  /** The page for which the reader waits. */
  readonly missed: PageNo;
  readonly snapshot: PrefetchSnapshot;
  readonly glance: Glance;
  readonly forest: Forest;
  /** Another one for each run, as are the next `ATTEMPTS_PER_RUN - 1` numbers. */
  readonly number: number;
  /** Whether SQLite can be suspended. */
  readonly canWait: boolean;
  /** Steps of SQLite's virtual machine that a run takes at a stretch, and in all if it cannot be suspended. */
  readonly steps: number;
}

/** How a run ended: at the end of its statement, because it was told to, or with an error. */
export type Ending = "completed" | "stopped" | "failed";

/** Pages named beyond the room there is, by a run that cannot wait for more. */
const MOST_AHEAD = 4096;

/** How often a run begins anew with what it has learned. */
export const ATTEMPTS_PER_RUN = 4;

/** Ends a run that has nothing more to tell. */
class EnoughNamed extends Error {}

/** A row was missing, as it need not be again; but of those that full text found a word in, nothing tells which they are. */
function lacksRow(error: unknown): boolean {
  if (!(error instanceof SqlError) || !error.sqliteCode.startsWith("SQLITE_CORRUPT")) return false;
  return !/\bfrom content table\b/.test(error.message);
}

/** One run of a statement over the pages that are here and placeholders for the others. */
export class ScoutRun implements Guide {
  /** Pages it came to that nobody has asked for, in order. */
  readonly queue = new Set<PageNo>();
  readonly snapshot: PrefetchSnapshot;
  readonly #owner: RunOwner;
  readonly #ground: Ground;
  readonly #controller = new AbortController();
  #sent = false;
  #over = false;
  /** The page it waits at for room. */
  #waitsAt: PageNo | undefined;
  #resume: (() => void) | undefined;
  #pages: GuessedPages | undefined;
  #guessed = false;
  #named = 0;
  #namedBeforePause = 0;
  /** When it last began to compute; `undefined` while it does not. */
  #since: number | undefined;
  #milliseconds = 0;

  constructor(ground: Ground, owner: RunOwner) {
    this.snapshot = ground.snapshot;
    this.#ground = ground;
    this.#owner = owner;
  }

  /** Milliseconds it computed. */
  get milliseconds(): number {
    return this.#milliseconds;
  }

  /** How many pages it came to that nobody had asked for. */
  get named(): number {
    return this.#named;
  }

  /** Where the page hangs for which the reader waits, if it came to know. */
  get position(): Position | undefined {
    return this.#pages?.position(this.#ground.missed);
  }

  get over(): boolean {
    return this.#over;
  }

  /** It came to pages on their way that may lead to others, besides the one for which the reader waits. */
  get guessed(): boolean {
    return this.#guessed;
  }

  /** It is neither over nor waiting for room. */
  get computing(): boolean {
    return !this.#over && this.#waitsAt === undefined;
  }

  /** True for a page that it waits at or that is in the queue, from which it is removed. */
  meets(page: PageNo): boolean {
    return this.#waitsAt === page || this.queue.delete(page);
  }

  /** Never rejects. */
  async walk({ connection, sandbox }: Pick<Scout, "connection" | "sandbox">, task: Task): Promise<Ending> {
    const { view, missed } = this.#ground;
    this.#since = this.#owner.now();
    // What belongs to the view must not change while it is looked at.
    view.retain();
    try {
      for (let attempt = 0; attempt < ATTEMPTS_PER_RUN; attempt++) {
        const before = this.#pages;
        const pages = this.#guess(task, attempt);
        this.#pages = pages;
        if (before !== undefined) pages.inherit(before);
        sandbox.pages = pages;
        const known = before?.indexPages ?? 0;
        const error = await this.#attempt(connection, task, pages);
        if (error === undefined) {
          for (const page of pages.beside(missed)) if (!this.#owner.knows(page)) this.queue.add(page);
          if (this.#named === 0) this.#together(pages);
          return "completed";
        }
        if (this.#isStop(error)) return "stopped";
        // What was read after a placeholder was made points to a row that the placeholder lacks. The next will have it.
        if (lacksRow(error) && pages.indexPages > known) continue;
        if (this.#named === 0) this.#together(pages);
        break;
      }
      return "failed";
    } finally {
      this.#over = true;
      view.release();
      this.#rest();
      this.#owner.send(this);
    }
  }

  /** It came to nothing else because what a virtual table keeps has to be found before it can be searched. */
  #together(pages: GuessedPages): void {
    for (const page of pages.together(this.#ground.missed))
      if (!this.#owner.knows(page)) this.queue.add(page);
  }

  #guess({ writes }: Task, attempt: number): GuessedPages {
    const { snapshot, glance, forest, number } = this.#ground;
    return new GuessedPages(snapshot, glance, forest, this, number + attempt, writes);
  }

  async #attempt(connection: Connection, { sql, given, limit }: Task, pages: GuessedPages): Promise<unknown> {
    const { signal } = this.#controller;
    const view = (): Promise<View> => View.open({ snapshot: () => pages }, signal);
    const slicing = { steps: this.#ground.steps, pause: () => this.#pause(), endsEarly: true };
    try {
      await walkThrough(connection, { sql, given, signal, queueSignal: signal, view, slicing }, limit);
      return undefined;
    } catch (error) {
      return error ?? new Error("nothing was thrown");
    }
  }

  #isStop(error: unknown): boolean {
    if (this.#controller.signal.aborted || error instanceof EnoughNamed) return true;
    return error instanceof SqlError && error.sqliteCode === "SQLITE_INTERRUPT";
  }

  /** There is room for more. */
  goOn(): void {
    const resume = this.#resume;
    this.#resume = undefined;
    if (resume === undefined) this.#owner.send(this);
    else resume();
  }

  stop(): void {
    this.#controller.abort(new EnoughNamed());
  }

  step(page: PageNo): void {
    if (!this.#owner.step(page)) throw new EnoughNamed();
  }

  meet(page: PageNo): boolean {
    if (this.#owner.knows(page)) {
      this.#guessed ||= page !== this.#ground.missed && this.#pages?.leads(page) === true;
      return true;
    }
    if (this.queue.has(page)) return true;
    if (this.queue.size >= this.#owner.sight) {
      if (this.#ground.canWait) {
        this.#waitsAt = page;
        return false;
      }
      if (this.queue.size >= MOST_AHEAD) throw new EnoughNamed();
    }
    this.queue.add(page);
    this.#named++;
    return true;
  }

  async proceed(): Promise<void> {
    this.#owner.send(this);
    this.#rest();
    const page = this.#waitsAt;
    const room = this.#wait();
    this.#owner.stuck(this);
    await room;
    this.#since = this.#owner.now();
    this.#waitsAt = undefined;
    if (page !== undefined && !this.meet(page)) await this.proceed();
  }

  /** Pages of the queue were asked for. */
  asked(): void {
    this.#sent = true;
  }

  /** The reader goes first: a run computes on while that one waits, or as long as it finds something. */
  async #pause(): Promise<void> {
    const found = this.#named > this.#namedBeforePause;
    this.#namedBeforePause = this.#named;
    if (!this.#sent) this.#owner.send(this);
    this.#rest();
    await pause();
    if (!found && !this.#owner.waiting) await this.#wait();
    this.#since = this.#owner.now();
  }

  async #wait(): Promise<void> {
    const { signal } = this.#controller;
    signal.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      this.#resume = resolve;
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
  }

  #rest(): void {
    if (this.#since !== undefined) this.#milliseconds += this.#owner.now() - this.#since;
    this.#since = undefined;
  }
}
