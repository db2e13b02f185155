import type { PageNo } from "@lacuna/page";
import type { PrefetchSnapshot, Snapshot } from "@lacuna/pager";
import { walkThrough } from "../execution.ts";
import type { Follower } from "../page-file.ts";
import { View } from "../view.ts";
import { Batches } from "./batches.ts";
import type { Glance } from "./glance.ts";
import { GuessedPages, type Guide } from "./guessed-pages.ts";
import type { Scouts } from "./scouts.ts";

/** A statement that is run. */
export interface Task {
  readonly sql: string;
  readonly given: readonly unknown[];
  /** Rows wanted at most. */
  readonly limit: number;
}

/** Bytes of the first batch where the way to the remote was not measured. */
const FIRST_BYTES = 131_072;
const LEAST_FIRST_BYTES = 65_536;
const MOST_FIRST_BYTES = 2_097_152;
const MOST_BATCH_BYTES = 16_777_216;
/** Pages that runs of a statement may come to: so many for nothing, and more each time that it waits. */
const FREE_STEPS = 8192;
const STEPS_PER_WAIT = 512;
/** The same in milliseconds, for statements that compute more than they read. */
const FREE_MILLISECONDS = 500;
/** What is named goes out after so many milliseconds also while there is room for more, if it is this part of a batch. */
const SLICE_MILLISECONDS = 8;
const WORTH_SENDING = 8;
/** Pages named beyond the room there is, by a run that cannot wait for more. */
const MOST_AHEAD = 4096;

/** One run over the pages that are here. */
interface Run {
  readonly controller: AbortController;
  readonly snapshot: PrefetchSnapshot;
  /** What it came to and nobody has asked for, in order. */
  readonly queue: Set<PageNo>;
  over: boolean;
  /** When it last began to compute; `undefined` while it waits. */
  since: number | undefined;
  /** The page it waits at, and what makes it go on. */
  waitsAt: PageNo | undefined;
  goOn: (() => void) | undefined;
}

/** Ends a run that has nothing more to tell. */
class EnoughNamed extends Error {}

/**
 * Follows one execution of a statement and, when it misses a page, runs the same statement over the pages that are here
 * and placeholders for the others, to ask for what it will want next. It can only ever be a hint: nothing waits for it,
 * and how it ends is only counted.
 */
export class RunAhead implements Follower, Guide {
  readonly name: string;
  readonly #task: Task;
  readonly #scouts: Scouts;
  readonly #now: () => number;
  readonly #ending = new AbortController();
  #batches: Batches | undefined;
  /** Every page asked for, by the reader or ahead of it. */
  readonly #asked = new Set<PageNo>();
  #run: Run | undefined;
  #steps = FREE_STEPS;
  #spentMilliseconds = 0;
  #waitedMilliseconds = 0;
  #missedAt: number | undefined;

  constructor(task: Task, scouts: Scouts) {
    this.name = task.sql;
    this.#task = task;
    this.#scouts = scouts;
    this.#now = scouts.now;
  }

  missed(page: PageNo, view: View): void {
    this.#missedAt = this.#now();
    this.#steps += STEPS_PER_WAIT;
    const { snapshot } = view;
    if (this.#ending.signal.aborted || !canPrefetch(snapshot)) return;
    const batches = this.#batchesFor(snapshot);
    this.#asked.add(page);
    if (batches.has(page)) {
      // It is on its way already, so what comes after it is wanted soon.
      this.reached(page);
      return;
    }
    if (this.#run !== undefined && (this.#run.waitsAt === page || this.#run.queue.delete(page))) {
      if (batches.room === 0) batches.grow();
      this.#goOn();
      return;
    }
    if (process.env["TR"])
      console.log(
        "UNPREDICTED",
        page,
        "run",
        this.#run === undefined ? "none" : this.#run.over ? "over" : this.#run.goOn ? "waiting" : "running",
        "room",
        batches.room,
        "queue",
        this.#run?.queue.size,
        "asked",
        this.#asked.has(page),
        "steps",
        this.#steps,
        JSON.stringify(batches),
      );
    batches.beginAnew();
    this.#begin(view, snapshot);
  }

  reached(page: PageNo): void {
    if (this.#missedAt !== undefined) {
      this.#waitedMilliseconds += this.#now() - this.#missedAt;
      this.#missedAt = undefined;
    }
    if (this.#batches?.reach(page) === true) this.#goOn();
  }

  end(): void {
    if (this.#ending.signal.aborted) return;
    this.#ending.abort();
    this.#run?.controller.abort();
    const { counters } = this.#scouts;
    counters.named += this.#batches?.named ?? 0;
    counters.reached += this.#batches?.reached ?? 0;
    counters.milliseconds += this.#spentMilliseconds;
  }

  step(): void {
    this.#steps--;
  }

  meet(page: PageNo): boolean {
    const run = this.#run;
    const batches = this.#batches;
    if (run === undefined || batches === undefined) throw new EnoughNamed();
    if (this.#asked.has(page) || run.queue.has(page)) return true;
    if (
      run.queue.size * WORTH_SENDING >= batches.room &&
      this.#now() - (run.since ?? 0) > SLICE_MILLISECONDS
    ) {
      this.#account(run);
      this.#send(run);
    }
    if (run.queue.size >= batches.room) {
      if (this.#scouts.driver === "jspi") {
        run.waitsAt = page;
        return false;
      }
      if (run.queue.size >= MOST_AHEAD) throw new EnoughNamed();
    }
    run.queue.add(page);
    return true;
  }

  async goOn(signal: AbortSignal | undefined): Promise<void> {
    const run = this.#run;
    if (run === undefined) throw new EnoughNamed();
    this.#send(run);
    this.#account(run);
    run.since = undefined;
    await new Promise<void>((resolve, reject) => {
      run.goOn = resolve;
      signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
    run.since = this.#now();
    const page = run.waitsAt;
    run.waitsAt = undefined;
    if (page !== undefined) this.meet(page);
  }

  #batchesFor(snapshot: PrefetchSnapshot): Batches {
    const link = snapshot.linkEstimate?.();
    const product = link === undefined ? FIRST_BYTES : (link.roundTripMs * link.bytesPerSecond) / 1000;
    const first = Math.min(Math.max(product, LEAST_FIRST_BYTES), MOST_FIRST_BYTES);
    const pages = (bytes: number): number => Math.max(1, Math.floor(bytes / snapshot.pageSize));
    this.#batches ??= new Batches(pages(first), pages(MOST_BATCH_BYTES));
    return this.#batches;
  }

  #begin(view: View, snapshot: PrefetchSnapshot): void {
    this.#run?.controller.abort();
    this.#run = undefined;
    const affordable = this.#spentMilliseconds <= FREE_MILLISECONDS + this.#waitedMilliseconds / 2;
    const scout = affordable && this.#steps > 0 ? this.#scouts.take() : undefined;
    if (scout === undefined) {
      this.#scouts.counters.skipped++;
      return;
    }
    const run: Run = {
      controller: new AbortController(),
      snapshot,
      queue: new Set(),
      over: false,
      since: this.#now(),
      waitsAt: undefined,
      goOn: undefined,
    };
    this.#run = run;
    this.#scouts.counters.runs++;
    void this.#walk(run, view, scout.connection).finally(() => {
      run.over = true;
      this.#account(run);
      scout.end();
      if (this.#run === run) this.#send(run);
    });
  }

  async #walk(run: Run, view: View, connection: Parameters<typeof walkThrough>[0]): Promise<void> {
    const { sql, given, limit } = this.#task;
    const { signal } = run.controller;
    try {
      const glance: Glance = (page) =>
        run.snapshot.glance === undefined ? run.snapshot.peek(page) : run.snapshot.glance(page);
      const forest = this.#scouts.forestOf(view, glance);
      if (forest === undefined) return;
      const pages = new GuessedPages(run.snapshot, glance, forest, this, this.#scouts.nextRun());
      const around = {
        signal,
        queueSignal: signal,
        view: () => View.open({ snapshot: () => pages }, signal),
      };
      await walkThrough(connection, { sql, given, ...around }, limit);
      this.#scouts.counters.completed++;
    } catch (error) {
      if (!signal.aborted && !(error instanceof EnoughNamed)) {
        this.#scouts.counters.failed++;
        if (process.env["TR"]) console.log("FAILED", error);
      }
    }
  }

  /** There is room for more. */
  #goOn(): void {
    const run = this.#run;
    if (run === undefined) return;
    if (run.goOn === undefined) this.#send(run);
    else {
      const { goOn } = run;
      run.goOn = undefined;
      goOn();
    }
  }

  #send(run: Run): void {
    const batches = this.#batches;
    if (batches === undefined || this.#ending.signal.aborted || this.#run !== run) return;
    const pages: PageNo[] = [];
    for (const page of run.queue) {
      if (pages.length >= batches.room) break;
      run.queue.delete(page);
      pages.push(page);
      this.#asked.add(page);
    }
    if (pages.length === 0) return;
    batches.ask(pages);
    if (process.env["TR"])
      console.log(
        "SEND",
        pages.length,
        pages[0],
        "...",
        pages.at(-1),
        "room",
        batches.room,
        "over",
        run.over,
      );
    void run.snapshot.prefetch(pages, { signal: this.#ending.signal, cause: "run-ahead" });
  }

  #account(run: Run): void {
    if (run.since === undefined) return;
    const now = this.#now();
    this.#spentMilliseconds += now - run.since;
    run.since = now;
  }
}

function canPrefetch(snapshot: Snapshot): snapshot is PrefetchSnapshot {
  return "prefetch" in snapshot;
}
