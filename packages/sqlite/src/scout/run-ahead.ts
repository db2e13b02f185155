import { type PageNo, PageSet } from "@lacuna/page";
import type { PrefetchSnapshot, Snapshot } from "@lacuna/pager";
import type { Follower } from "../page-file.ts";
import type { View } from "../view.ts";
import { Batches } from "./batches.ts";
import { glanceOf } from "./glance.ts";
import { type RunOwner, ScoutRun, type Task } from "./scout-run.ts";
import type { Scouts } from "./scouts.ts";
import type { Spending } from "./spending.ts";

/** Bytes of the first batch where the way to the remote was not measured, and its bounds where it was. */
const FIRST_BYTES = 131_072;
const LEAST_FIRST_BYTES = 65_536;
const MOST_FIRST_BYTES = 2_097_152;
const MOST_BATCH_BYTES = 16_777_216;
/**
 * No batch is a larger part of the memory for pages than one in so many, or pages are dropped before they are read. Whoever
 * gives little memory wants the process small rather than few requests.
 */
const MEMORY_PARTS = 4;
const LITTLE_MEMORY_PARTS = 8;
const LITTLE_MEMORY_BYTES = 33_554_432;
/**
 * How often runs of a statement may read a page: as often as the statement itself, so often for nothing, and more for each
 * wait and each page asked for.
 */
const FREE_STEPS = 8192;
const STEPS_PER_WAIT = 512;
const STEPS_PER_PAGE = 4;
/** A run looks so many times as far ahead as there is room for. */
const LOOK_AHEAD = 4;
/** Milliseconds for running ahead besides as many as the reader has taken. */
const FREE_MILLISECONDS = 200;
/** So many pages named by a run are worth more than what is predicted without one, even if it fails then. */
const MANY_NAMED = 8;
/** Steps of SQLite's virtual machine that a run takes at a stretch, at least: some 20 ms. */
const LEAST_RUN_STEPS = 400_000;

/** A run that named no more than so many pages is done again when pages have come that it had to guess. */
const MOST_NAMED_AGAIN = 512;

/** A page the reader waits for, and the steps it will take again when the page is here. */
interface Miss {
  readonly page: PageNo;
  readonly view: View;
  readonly steps: number;
}

/**
 * Follows one execution of a statement and, when it misses a page, runs the same statement over the pages that are here
 * and placeholders for the others, to ask for what it will want next. It can only ever be a hint: nothing waits for it,
 * and how it ends is only counted.
 */
export class RunAhead implements Follower, RunOwner {
  readonly name: string;
  readonly #task: Task;
  readonly #scouts: Scouts;
  readonly #spending: Spending | undefined;
  /** Ends what was asked for. Made with the first request: most statements miss nothing. */
  #asking: AbortController | undefined;
  #ended = false;
  #batches: Batches | undefined;
  /** Every page asked for, by the reader or ahead of it. */
  readonly #known = new PageSet();
  #run: ScoutRun | undefined;
  #steps = FREE_STEPS;
  /** Of these, what the latest run has used. */
  #usedSteps = 0;
  #waiting = false;
  #failed = false;
  /** A page the reader waits for that the run, which still computes, has not come to. */
  #unforeseen: Miss | undefined;
  #latestMiss: Miss | undefined;
  /** Pages have come that the latest run had to guess. */
  #outdated = false;
  /** When the reader last went on, or began to wait. */
  #wentOnAt: number;
  /** How long it has computed and waited, and how long runs have computed. */
  #readerMilliseconds = 0;
  #spentMilliseconds = 0;

  /** @param spending pays for what is asked for */
  constructor(task: Task, scouts: Scouts, spending?: Spending) {
    this.#spending = spending;
    this.name = task.sql;
    this.#task = task;
    this.#scouts = scouts;
    this.#wentOnAt = scouts.now();
  }

  missed(page: PageNo, view: View, steps: number): void {
    const { snapshot } = view;
    if (this.#ended || !canPrefetch(snapshot)) return;
    if (!this.#waiting) this.#readerMilliseconds += this.now() - this.#wentOnAt;
    this.#waiting = true;
    this.#wentOnAt = this.now();
    this.#steps += STEPS_PER_WAIT;
    this.#known.add(page);
    this.#batches ??= batchesFor(snapshot);
    const miss = { page, view, steps };
    this.#latestMiss = miss;
    if (this.#outdated && this.room > 0) this.#beginAnew(miss, snapshot);
    else if (this.#batches.has(page)) {
      // It is on its way already, so what comes after it is wanted soon.
      if (this.#batches.reach(page)) this.#run?.goOn();
    } else if (this.#run?.meets(page) === true) {
      if (this.#batches.room === 0) this.#batches.grow();
      this.#run.goOn();
    } else if (this.#run?.computing === true) {
      // It may be on its way there, and only slower than the reader.
      this.#unforeseen = miss;
      this.send(this.#run);
    } else this.#beginAnew(miss, snapshot);
  }

  /** Unless a run failed early and none did better since: then there is something about what it came to that cannot be run ahead. */
  get planned(): boolean {
    return this.#run !== undefined && !this.#failed;
  }

  reached(page: PageNo): void {
    this.#steps++;
    if (this.#waiting) {
      this.#waiting = false;
      this.#readerMilliseconds += this.now() - this.#wentOnAt;
      this.#wentOnAt = this.now();
    }
    if (this.#batches?.reach(page) === true) this.#run?.goOn();
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#asking?.abort();
    this.#run?.stop();
    if (this.#batches !== undefined) this.#scouts.account(this.#batches);
  }

  get room(): number {
    return this.#batches?.room ?? 0;
  }

  get sight(): number {
    return this.room * LOOK_AHEAD;
  }

  get waiting(): boolean {
    return this.#waiting;
  }

  knows(page: PageNo): boolean {
    return this.#known.has(page);
  }

  step(page: PageNo): boolean {
    this.#usedSteps++;
    if (this.#unforeseen?.page === page) this.#unforeseen = undefined;
    return --this.#steps >= 0;
  }

  stuck(run: ScoutRun): void {
    const unforeseen = this.#unforeseen;
    this.#unforeseen = undefined;
    if (unforeseen === undefined || !this.#waiting || run !== this.#run) return;
    this.#beginAnew(unforeseen, run.snapshot);
  }

  send(run: ScoutRun): void {
    const batches = this.#batches;
    if (batches === undefined || this.#ended || this.#run !== run) return;
    // What is all there is comes at once, if that is not much more than there is room for.
    if (run.over && run.queue.size <= LOOK_AHEAD * batches.room) batches.widen(run.queue.size);
    const pages: PageNo[] = [];
    for (const page of run.queue) {
      if (pages.length >= batches.room) break;
      run.queue.delete(page);
      pages.push(page);
      this.#known.add(page);
    }
    const payable = this.#spending?.payAhead(pages, run.snapshot.pageSize) ?? pages.length;
    if (payable < pages.length) pages.length = payable;
    if (pages.length === 0) return;
    run.asked();
    if (run.named >= MANY_NAMED) this.#failed = false;
    batches.ask(pages);
    this.#steps += STEPS_PER_PAGE * pages.length;
    this.#asking ??= new AbortController();
    const { signal } = this.#asking;
    void run.snapshot.prefetch(pages, { signal, cause: "run-ahead" }).then(() => this.#came());
  }

  now(): number {
    return this.#scouts.now();
  }

  /** All pages of a batch have come. */
  #came(): void {
    const run = this.#run;
    if (this.#ended || run === undefined || !run.over || !run.guessed || run.named > MOST_NAMED_AGAIN) return;
    this.#outdated = true;
    if (this.#waiting && this.room > 0 && this.#latestMiss !== undefined)
      this.#beginAnew(this.#latestMiss, run.snapshot);
  }

  #beginAnew({ page: missed, view, steps }: Miss, snapshot: PrefetchSnapshot): void {
    if (!this.#outdated || this.#batches?.room === 0) this.#batches?.beginAnew();
    this.#unforeseen = undefined;
    this.#outdated = false;
    this.#run?.stop();
    this.#run = undefined;
    if (this.#spentMilliseconds > FREE_MILLISECONDS + this.#readerMilliseconds) return;
    const glance = glanceOf(snapshot);
    // What the run before has used up says what it takes to get anywhere.
    const scout = this.#steps >= this.#usedSteps / 2 ? this.#scouts.take(view, glance) : undefined;
    if (scout === undefined) return;
    const run = new ScoutRun(
      {
        ...scout,
        view,
        missed,
        snapshot,
        glance,
        canWait: this.#scouts.driver === "jspi",
        steps: Math.max(LEAST_RUN_STEPS, 2 * steps),
      },
      this,
    );
    this.#run = run;
    this.#usedSteps = 0;
    void run.walk(scout, this.#task).then((ending) => {
      this.#spentMilliseconds += run.milliseconds;
      if (ending !== "stopped") this.#failed = ending === "failed" && run.named < MANY_NAMED;
      scout.end(ending, run.milliseconds);
      // Who has a budget pays for all that comes.
      if (run.position !== undefined && this.#spending === undefined)
        scout.wholeTrees.waited(run.position, snapshot, this.now());
      if (ending !== "stopped") this.stuck(run);
    });
  }
}

function batchesFor(snapshot: PrefetchSnapshot): Batches {
  const link = snapshot.linkEstimate?.();
  const product = link === undefined ? FIRST_BYTES : (link.roundTripMs * link.bytesPerSecond) / 1000;
  const first = Math.min(Math.max(product, LEAST_FIRST_BYTES), MOST_FIRST_BYTES);
  const pages = (bytes: number): number => Math.max(1, Math.floor(bytes / snapshot.pageSize));
  const memory = snapshot.memoryBytes ?? Number.POSITIVE_INFINITY;
  const parts = memory < LITTLE_MEMORY_BYTES ? LITTLE_MEMORY_PARTS : MEMORY_PARTS;
  const most = Math.min(MOST_BATCH_BYTES, Math.max(FIRST_BYTES, memory / parts));
  return new Batches(pages(Math.min(first, most)), pages(most));
}

function canPrefetch(snapshot: Snapshot): snapshot is PrefetchSnapshot {
  return "prefetch" in snapshot;
}
