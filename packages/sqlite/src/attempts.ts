import type { PageNo } from "@lacuna/page";
import type { Circumstances, ConnectionSetup } from "./connection-setup.ts";
import { WRITER_NEEDED } from "./guarded-statement.ts";
import type { Instance } from "./instance.ts";
import { pauseAfterAttempt } from "./pause.ts";
import { SqlError } from "./sql-error.ts";
import type { TakenTurn } from "./turn.ts";
import { type View, wrongLength } from "./view.ts";
import { readonlyError, Writer } from "./writer.ts";

/** What became of one attempt at running something. */
type Outcome<T> =
  | { readonly kind: "value"; readonly value: T }
  | { readonly kind: "error"; readonly error: unknown }
  /** A page has to be fetched before the next attempt. */
  | { readonly kind: "missing"; readonly page: PageNo; readonly from: View }
  /** A view that takes pages has to be opened before the next attempt. */
  | { readonly kind: "writer" };

/** Runs something on an instance until it has what it needs: pages, and a view that takes pages. */
export class Attempts {
  readonly #instance: Instance;
  readonly #setup: ConnectionSetup;
  readonly #writer: Writer | undefined;

  constructor(instance: Instance, setup: ConnectionSetup) {
    this.#instance = instance;
    this.#setup = setup;
    if (setup.writing !== undefined) {
      this.#writer = new Writer(setup.writing.source, instance.file, setup.lineage);
    }
  }

  /**
   * Runs `body`, and again whenever it failed for want of a page, once the page is there.
   * @param body has no effect when it does not succeed, and leaves no statement running
   * @param turn given up while waiting for a page, if given
   */
  async run<T>(around: Circumstances, body: () => Promise<T>, turn: TakenTurn | undefined): Promise<T> {
    const { file } = this.#instance;
    const waitedFor = new Map<PageNo, Uint8Array>();
    let view: View | undefined;
    try {
      for (;;) {
        if (this.#instance.broken !== undefined) throw this.#instance.broken;
        if (file.lockedView === undefined) view ??= await around.view();
        const began = performance.now();
        const outcome = await this.#attempt(view, around, waitedFor, body);
        if (outcome.kind === "writer") {
          if (this.#writer === undefined) throw readonlyError();
          const writer = await this.#writer.open(around.signal);
          view?.release();
          view = writer;
          // Those that are kept may belong to an older state.
          waitedFor.clear();
        } else if (outcome.kind === "missing") {
          this.#setup.counters.restarts++;
          const { steps } = this.#instance.slices;
          turn?.end();
          await this.#fetch(outcome, around, waitedFor, { steps, milliseconds: performance.now() - began });
          await turn?.takeAgain(around.queueSignal);
        } else {
          await this.#conclude(around, outcome);
          if (outcome.kind === "error") throw outcome.error;
          return outcome.value;
        }
      }
    } finally {
      file.leave();
      view?.release();
    }
  }

  async #attempt<T>(
    view: View | undefined,
    { signal, follower, slicing }: Circumstances,
    waitedFor: Map<PageNo, Uint8Array>,
    body: () => Promise<T>,
  ): Promise<Outcome<T>> {
    const instance = this.#instance;
    const { file } = instance;
    signal.throwIfAborted();
    file.begin({ view, signal, waitedFor, follower });
    instance.slices.begin(signal, slicing);
    let result: { value: T } | { error: unknown };
    try {
      await instance.ready();
      result = { value: await body() };
    } catch (error) {
      result = { error };
    }
    instance.slices.end();
    const from = file.lockedView ?? view;
    const { missing, failure, wantsWriter } = file.end();
    // SQLite went on as if the page did not matter, as it does with statistics, so what it keeps may lack something.
    if ("value" in result && (missing !== undefined || failure !== undefined)) file.distrust();
    if (instance.broken !== undefined) {
      file.abandon();
      throw instance.broken;
    }
    // What is committed must not be run again.
    if ("value" in result && file.committed) return { kind: "value", value: result.value };
    if (failure !== undefined) return { kind: "error", error: failure.error };
    if (missing !== undefined && from !== undefined) return { kind: "missing", page: missing, from };
    if ("value" in result) return { kind: "value", value: result.value };
    if (wantsWriter || result.error === WRITER_NEEDED) return { kind: "writer" };
    const interrupted =
      result.error instanceof SqlError && result.error.sqliteCode === "SQLITE_INTERRUPT" && signal.aborted;
    return { kind: "error", error: interrupted ? signal.reason : result.error };
  }

  async #fetch(
    { from, page }: { readonly from: View; readonly page: PageNo },
    around: Circumstances,
    waitedFor: Map<PageNo, Uint8Array>,
    attempt: { readonly steps: number; readonly milliseconds: number },
  ): Promise<void> {
    // Any number of statements may wait at the same time, so each listens to a signal of its own.
    const signal = AbortSignal.any([around.signal]);
    const { snapshot } = from;
    around.follower?.missed(page, from, attempt.steps);
    const bytes = await snapshot.read(page, {
      signal,
      task: around.follower,
      planned: around.follower?.planned,
    });
    if (bytes.length !== snapshot.pageSize) throw wrongLength(page, bytes.length, snapshot.pageSize);
    // A copy of its own, since it stays here for as long as the statement is not through.
    waitedFor.set(page, bytes.slice());
    if (attempt.steps > 0) await pauseAfterAttempt(attempt.milliseconds, signal);
  }

  /** Ends the transaction of the source if the one of SQLite has ended. What failed on our side has not happened. */
  async #conclude(around: Circumstances, outcome: Outcome<unknown>): Promise<void> {
    const instance = this.#instance;
    const { file, watch } = instance;
    if (this.#writer === undefined || watch === undefined || instance.broken !== undefined) return;
    const { committed, writer } = file;
    const { failure, lost } = await this.#writer.conclude(async (view) => {
      // SQLite commits what came before a failure only where it was told so: INSERT OR FAIL.
      if (outcome.kind === "error" && !(outcome.error instanceof SqlError)) throw outcome.error;
      return this.#described(view, around);
    });
    const over = writer !== undefined && file.writer !== writer;
    if (over && (failure !== undefined || !committed)) instance.forgetSchema();
    const happened = committed && failure === undefined;
    if (!instance.inTransaction) watch.end(happened);
    if (lost !== undefined) {
      instance.stop(lost.error);
      file.abandon();
    }
    if (failure !== undefined) throw failure.error;
  }

  /** What SQLite has just committed, for the source. */
  async #described(view: View, around: Circumstances): Promise<Uint8Array | undefined> {
    const { watch } = this.#instance;
    const waitedFor = new Map<PageNo, Uint8Array>();
    for (;;) {
      const outcome = await this.#attempt(view, around, waitedFor, async () => watch?.describe());
      if (outcome.kind === "value") return outcome.value;
      if (outcome.kind === "missing")
        await this.#fetch(outcome, around, waitedFor, { steps: 0, milliseconds: 0 });
      else throw outcome.kind === "error" ? outcome.error : new Error("BUG: describing a change writes");
    }
  }
}
