import {
  type AbortOptions,
  type Bootstrap,
  closedError,
  LacunaError,
  type Opening,
  offsetOfPage,
  type PageEntry,
  type PageNo,
  type PageRequest,
  pagesOf,
  type Transport,
  type TransportTraffic,
} from "@lacuna/page";
import { allPages, type RemoteDatabase } from "./remote-database.ts";

/** One request a `RecordingTransport` was sent. */
export interface RecordedRequest {
  /** The pages in the order asked for. */
  readonly pages: readonly PageNo[];
  readonly urgency: "demand" | "prefetch";
  /** The pages handed over so far. */
  readonly delivered: readonly PageNo[];
  readonly state: "open" | "complete" | "failed" | "cancelled";
}

/** What a script does to the answer of one request. */
export interface Misbehaviour {
  /** Fails with this error after `afterPages` pages, by default at once. */
  readonly error?: unknown;
  readonly afterPages?: number;
  /** Changes each entry, or swallows it, or makes several of it. */
  readonly entries?: (entry: PageEntry) => readonly PageEntry[];
}

interface OpenRequest {
  readonly pages: PageNo[];
  readonly urgency: "demand" | "prefetch";
  readonly delivered: PageNo[];
  state: RecordedRequest["state"];
}

/**
 * A transport over pages in memory that records what it is asked for. It answers as a real one does: asynchronously, page
 * after page, `REVISION_CHANGED` for another revision than its own, the signal's reason when aborted. A script can hold
 * it, let single pages through, make it fail and make it lie.
 */
export class RecordingTransport implements Transport {
  /** Every `fetchPages` so far. */
  readonly requests: RecordedRequest[] = [];
  #database: RemoteDatabase;
  #script: Misbehaviour[] = [];
  /** Pages that may still be handed over while held. */
  #credit = Number.POSITIVE_INFINITY;
  #wake: (() => void)[] = [];
  #receivedBytes = 0;
  #closed = false;
  #opens = 0;

  constructor(database: RemoteDatabase) {
    this.#database = database;
  }

  /** The pages of each request so far, in the order asked for. */
  get asked(): PageNo[][] {
    return this.requests.map((request) => [...request.pages]);
  }

  /** From now on no page is handed over, except by `deliver`. */
  hold(): void {
    this.#credit = 0;
  }

  /** Lets `pages` more pages through while held. */
  deliver(pages: number): void {
    this.#credit += pages;
    this.#wakeAll();
  }

  /** Ends `hold`. */
  release(): void {
    this.deliver(Number.POSITIVE_INFINITY);
  }

  /** The next requests misbehave, one script each. */
  misbehave(...script: readonly Misbehaviour[]): void {
    this.#script.push(...script);
  }

  /** Another database takes the place of the one served: requests for the old revision fail from now on. */
  replace(database: RemoteDatabase): void {
    this.#database = database;
  }

  /** Bootstraps by prefix, in full or with no page at all; it cannot run SQL. */
  async open(options?: AbortOptions & { readonly bootstrap?: Bootstrap | undefined }): Promise<Opening> {
    const { signal, bootstrap = { kind: "none" } } = options ?? {};
    this.#check(signal);
    if (bootstrap.kind === "query") throw new LacunaError("NOT_SUPPORTED", "expected no query bootstrap");
    this.#opens++;
    await Promise.resolve();
    this.#check(signal);
    const database = this.#database;
    return { shape: database.shape, pages: this.#bootstrapPages(database, bootstrap, signal) };
  }

  async *fetchPages(
    request: PageRequest,
    options?: AbortOptions,
  ): AsyncGenerator<readonly PageEntry[], void, undefined> {
    const signal = options?.signal;
    this.#check(signal);
    const record: OpenRequest = {
      pages: [...pagesOf(request.pages)],
      urgency: request.urgency,
      delivered: [],
      state: "open",
    };
    this.requests.push(record);
    const script = this.#script.shift();
    try {
      yield* this.#answer(request, record, script, signal);
      record.state = "complete";
    } catch (error) {
      record.state = signal?.aborted ? "cancelled" : "failed";
      throw error;
    } finally {
      if (record.state === "open") record.state = "cancelled";
    }
  }

  traffic(): TransportTraffic {
    return { requests: this.#opens + this.requests.length, sentBytes: 0, receivedBytes: this.#receivedBytes };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#wakeAll();
  }

  async *#bootstrapPages(
    database: RemoteDatabase,
    bootstrap: Bootstrap,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<readonly PageEntry[], void, undefined> {
    const { pageSize } = database.shape;
    for (const page of allPages(database.shape)) {
      const wanted =
        bootstrap.kind === "full" ||
        (bootstrap.kind === "prefix" && offsetOfPage(page, pageSize) < bootstrap.bytes);
      if (!wanted) return;
      await this.#turn(signal);
      this.#receivedBytes += pageSize;
      yield [{ page, bytes: new Uint8Array(database.page(page)) }];
    }
  }

  async *#answer(
    request: PageRequest,
    record: OpenRequest,
    script: Misbehaviour | undefined,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<readonly PageEntry[], void, undefined> {
    // A request that is under way when another database takes the place still ends with the one it began with.
    const database = this.#database;
    const { shape } = database;
    if (request.revision === shape.revision) this.#checkRequest(record.pages);
    const failAfter = script?.error === undefined ? Number.POSITIVE_INFINITY : (script.afterPages ?? 0);
    for (const page of record.pages) {
      await this.#turn(signal);
      if (request.revision !== shape.revision) {
        throw new LacunaError(
          "REVISION_CHANGED",
          `expected revision ${request.revision}, found ${shape.revision}`,
        );
      }
      if (record.delivered.length >= failAfter) throw script?.error;
      const honest = { page, bytes: new Uint8Array(database.page(page)) };
      for (const entry of script?.entries?.(honest) ?? [honest]) {
        record.delivered.push(entry.page);
        this.#receivedBytes += entry.bytes.length;
        const own = { page: entry.page, bytes: new Uint8Array(entry.bytes) };
        yield [own];
        // Whoever still looks at it finds out.
        if (request.copies === true) own.bytes.fill(0xee);
      }
    }
    if (record.delivered.length >= failAfter) throw script?.error;
  }

  /** A wrong request is a fault of the code under test, never a result. */
  #checkRequest(pages: readonly PageNo[]): void {
    const { pageCount } = this.#database.shape;
    const seen = new Set<PageNo>();
    if (pages.length === 0) throw new Error("BUG: a request for no page");
    for (const page of pages) {
      const known = Number.isInteger(page) && page >= 1 && page <= pageCount && !seen.has(page);
      seen.add(page);
      if (!known) {
        throw new Error(`BUG: page ${page} was asked for twice or is not in the database`);
      }
    }
  }

  async #turn(signal: AbortSignal | undefined): Promise<void> {
    // A network never answers in the same turn.
    await Promise.resolve();
    while (this.#credit < 1) {
      this.#check(signal);
      await new Promise<void>((resolve) => {
        this.#wake.push(resolve);
        signal?.addEventListener("abort", () => resolve(), { once: true });
      });
    }
    this.#check(signal);
    this.#credit--;
  }

  #check(signal: AbortSignal | undefined): void {
    signal?.throwIfAborted();
    if (this.#closed) throw closedError("the transport");
  }

  #wakeAll(): void {
    const wake = this.#wake;
    this.#wake = [];
    for (const resolve of wake) resolve();
  }
}
