import {
  type DatabaseShape,
  type PageEntry,
  PageMap,
  type PageNo,
  type PrefetchOptions,
  rangesInOrder,
  type Transport,
} from "@lacuna/page";
import { missingPages, unaskedPage, wrongLength } from "./fetch-errors.ts";
import { type FetchCause, type PlannedRequest, planRequests } from "./fetch-plan.ts";
import { PrefetchCall } from "./prefetch-call.ts";
import type { Schedule } from "./schedule.ts";

/** One request on the way. */
export interface FetchRequest {
  /** From 1, in the order sent. */
  readonly number: number;
  readonly urgency: "demand" | "prefetch";
  /** Every page asked for, in order. */
  readonly asked: readonly PageNo[];
  /** Why each of them is. */
  readonly causes: readonly FetchCause[];
  /** How many of them are still to come. */
  coming: number;
  /** Those of them that a reader waits for. */
  readonly awaited: Set<PageNo>;
  /** The prefetch calls that want a page of it. */
  readonly calls: Set<PrefetchCall>;
  readonly controller: AbortController;
  ended: boolean;
}

/** Pages that are on the way with the same request for the same reason. */
interface Part {
  readonly request: FetchRequest;
  readonly cause: FetchCause;
}

/** Whose pages they are. */
export interface FetchHost {
  /** True for a page that is not here. */
  absent(page: PageNo): boolean;
  /** A demanded page turned out to be here before its request was sent. */
  present(page: PageNo): void;
  sent(request: FetchRequest): void;
  /** A page that was asked for, or else came along as `segment`, of the right length. */
  arrived(page: PageNo, bytes: Uint8Array, cause: FetchCause): void;
  /** A page that will not come: its request failed with `error`, or was given up because nobody wants it any more. */
  failed(page: PageNo, cause: FetchCause, outcome: "failed" | "cancelled", error: unknown): void;
  ended(request: FetchRequest, outcome: "complete" | "failed" | "cancelled", error: unknown): void;
  /** Resolves when more pages can be taken; `undefined` if they can be taken now. */
  congestion(): Promise<void> | undefined;
}

export interface FetcherOptions {
  readonly transport: Pick<Transport, "fetchPages">;
  readonly shape: DatabaseShape;
  /** Pages per segment now, at least 1. */
  readonly segmentPages: () => number;
  readonly maxRequestPages: number;
  readonly schedule: Schedule;
}

/**
 * Turns wants into requests: what is wanted in the same turn goes into one request, and no page is on the way twice.
 * A request is given up when no reader waits for a page of it and every prefetch call in it was aborted.
 */
export class Fetcher {
  readonly #options: FetcherOptions;
  readonly #host: FetchHost;
  readonly #requests = new Set<FetchRequest>();
  readonly #onTheWay = new PageMap<Part>();
  #demands = new Set<PageNo>();
  #calls: PrefetchCall[] = [];
  #scheduled = false;
  #registered = 0;

  constructor(options: FetcherOptions, host: FetchHost) {
    this.#options = options;
    this.#host = host;
  }

  /** Somebody waits for a page that is not here: it will end in `arrived`, `present` or `failed`. */
  demand(page: PageNo): void {
    const part = this.#onTheWay.get(page);
    if (part !== undefined) {
      part.request.awaited.add(page);
      return;
    }
    this.#demands.add(page);
    this.#scheduleFlush();
  }

  /** Nobody waits for the page any more. */
  withdraw(page: PageNo): void {
    this.#demands.delete(page);
    const request = this.#onTheWay.get(page)?.request;
    if (request?.awaited.delete(page)) this.#cancelIfUnwanted(request);
  }

  /** @returns when every page it asked for has come, failed or was dropped; never rejects */
  prefetch(pages: readonly PageNo[], options: PrefetchOptions): Promise<void> {
    const call = new PrefetchCall(pages, options, () => this.#dropCall(call));
    if (call.live) {
      this.#calls.push(call);
      this.#scheduleFlush();
    }
    return call.done;
  }

  /** Gives everything up without a word to the host. */
  stop(): void {
    this.#demands.clear();
    for (const call of this.#calls) call.end();
    this.#calls = [];
    for (const request of [...this.#requests]) this.#cancel(request);
  }

  #scheduleFlush(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#options.schedule(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    const demands = this.#demands;
    const calls = this.#calls.filter((call) => call.live);
    this.#demands = new Set();
    this.#calls = [];
    for (const page of demands) {
      if (this.#host.absent(page)) continue;
      demands.delete(page);
      this.#host.present(page);
    }
    const { segmentPages, maxRequestPages, shape } = this.#options;
    const planned = planRequests(
      { demands, prefetches: calls },
      {
        segmentPages: segmentPages(),
        maxRequestPages,
        pageCount: shape.pageCount,
        absent: (page) => !this.#onTheWay.has(page) && this.#host.absent(page),
      },
    );
    const requests = planned.map((plan) => this.#register(plan));
    for (const call of calls) this.#attach(call, requests);
    for (const request of requests) void this.#run(request);
  }

  #register({ urgency, pages, causes }: PlannedRequest): FetchRequest {
    const request: FetchRequest = {
      number: ++this.#registered,
      urgency,
      asked: pages,
      causes,
      coming: pages.length,
      awaited: new Set(),
      calls: new Set(),
      controller: new AbortController(),
      ended: false,
    };
    this.#requests.add(request);
    let part: Part | undefined;
    for (const [at, page] of pages.entries()) {
      const cause = causes[at] as FetchCause;
      if (part?.cause !== cause) part = { request, cause };
      this.#onTheWay.set(page, part);
      if (cause === "demand") request.awaited.add(page);
    }
    return request;
  }

  #attach(call: PrefetchCall, requests: readonly FetchRequest[]): void {
    for (const request of requests) {
      if (!call.pages.some((page) => this.#onTheWay.get(page)?.request === request)) continue;
      request.calls.add(call);
      call.open++;
    }
    if (call.open === 0) call.end();
  }

  async #run(request: FetchRequest): Promise<void> {
    const { transport, shape } = this.#options;
    const { urgency, controller } = request;
    this.#host.sent(request);
    try {
      const pages = rangesInOrder(request.asked);
      const batches = transport.fetchPages(
        { revision: shape.revision, pages, urgency, takesOthers: true, copies: true },
        { signal: controller.signal },
      );
      for await (const batch of batches) {
        for (const entry of batch) {
          if (request.ended) return;
          this.#receive(request, entry);
        }
        const congestion = this.#host.congestion();
        if (congestion !== undefined) await congestion;
      }
      const { coming, asked } = request;
      if (coming > 0) throw missingPages(coming, asked.length);
      this.#end(request, "complete", undefined);
    } catch (error) {
      this.#end(request, "failed", error);
    }
  }

  #receive(request: FetchRequest, { page, bytes }: PageEntry): void {
    const { pageSize } = this.#options.shape;
    if (bytes.length !== pageSize) throw wrongLength(page, pageSize, bytes.length);
    const part = this.#onTheWay.get(page);
    if (part?.request !== request) {
      const { asked } = request;
      const between = asked.some((other) => other < page) && asked.some((other) => other > page);
      if (!between || asked.includes(page)) throw unaskedPage(page);
      // It travelled anyway. What another request is to bring is left to that one.
      if (part === undefined && this.#host.absent(page)) this.#host.arrived(page, bytes, "segment");
      return;
    }
    request.coming--;
    request.awaited.delete(page);
    this.#onTheWay.delete(page);
    this.#host.arrived(page, bytes, part.cause);
  }

  #dropCall(call: PrefetchCall): void {
    for (const request of [...this.#requests]) {
      if (request.calls.delete(call)) this.#cancelIfUnwanted(request);
    }
  }

  #cancelIfUnwanted(request: FetchRequest): void {
    if (request.awaited.size === 0 && request.calls.size === 0) this.#cancel(request);
  }

  #cancel(request: FetchRequest): void {
    this.#end(request, "cancelled", undefined);
    request.controller.abort();
  }

  #end(request: FetchRequest, outcome: "complete" | "failed" | "cancelled", error: unknown): void {
    // A request that was given up still ends in its own time, and nobody listens.
    if (request.ended) return;
    request.ended = true;
    this.#requests.delete(request);
    const missing: [PageNo, FetchCause][] = [];
    for (const page of request.coming > 0 ? request.asked : []) {
      const part = this.#onTheWay.get(page);
      if (part?.request !== request) continue;
      this.#onTheWay.delete(page);
      missing.push([page, part.cause]);
    }
    if (outcome !== "complete") {
      for (const [page, cause] of missing) this.#host.failed(page, cause, outcome, error);
    }
    for (const call of request.calls) if (--call.open === 0) call.end();
    this.#host.ended(request, outcome, error);
  }
}
