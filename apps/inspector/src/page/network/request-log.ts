import { type PageNo, pageNo } from "@lacuna/page";
import type { PagesEvent } from "lacuna";
import type { Cause } from "../pages/page-state.ts";

/** One HTTP request, from when the page sent it. Times are milliseconds on the clock of the log. */
export interface RequestRecord {
  /** From 1, in the order sent. */
  readonly number: number;
  /** What it was sent for: the opening is run 0, statements follow. */
  readonly run: number;
  readonly method: string;
  /** Path and range, for people. */
  readonly target: string;
  readonly startedAt: number;
  /** When the answer began. */
  answeredAt: number | undefined;
  endedAt: number | undefined;
  status: number | undefined;
  /** Body bytes received so far. */
  bytes: number;
  outcome: "under way" | "complete" | "failed" | "cancelled";
  /** Pages asked for. */
  pages: number;
  /** How many of them for each cause; empty for requests of the opening. */
  causes: ReadonlyMap<Cause, number>;
}

interface PageRequest {
  readonly pages: ReadonlyMap<PageNo, Cause>;
  readonly records: RequestRecord[];
  /** Every page of it has come. */
  complete: boolean;
}

/**
 * Every HTTP request with the pages that it brings and why. A cache tells which pages it asks for, and a `fetch` which requests
 * that comes to; ranges of bytes name their pages, and otherwise requests are sent in the order of what they are for.
 */
export class RequestLog {
  readonly records: RequestRecord[] = [];
  readonly #open = new Map<number, PageRequest>();
  readonly #purposes = new WeakMap<RequestRecord, PageRequest>();
  #run = 0;

  /** Bytes per page, once known. */
  pageSize: number | undefined;

  /** What is sent from now on is for this run. */
  beginRun(run: number): void {
    this.#run = run;
  }

  apply(event: PagesEvent): void {
    if (event.type === "request") {
      const { pages, causes } = event;
      const why = new Map(pages.map((page, at) => [page, causes[at] as Cause]));
      this.#open.set(event.request, { pages: why, records: [], complete: false });
    } else if (event.type === "answer") {
      const request = this.#open.get(event.request);
      this.#open.delete(event.request);
      if (request === undefined || event.outcome !== "complete") return;
      request.complete = true;
      for (const record of request.records) if (record.outcome === "cancelled") record.outcome = "complete";
    }
  }

  /** @param range value of the header, such as `bytes=0-4095` */
  start(sent: { method: string; target: string; range: string | null; at: number }): RequestRecord {
    const record: RequestRecord = {
      number: this.records.length + 1,
      run: this.#run,
      method: sent.method,
      target: sent.range === null ? sent.target : `${sent.target} ${sent.range}`,
      startedAt: sent.at,
      answeredAt: undefined,
      endedAt: undefined,
      status: undefined,
      bytes: 0,
      outcome: "under way",
      pages: 0,
      causes: new Map(),
    };
    this.records.push(record);
    this.#attribute(record, this.#pagesInRange(sent.range));
    return record;
  }

  /** The request has ended, or its reader left. Who has every page may leave before the end of the answer. */
  end(record: RequestRecord, outcome: "complete" | "failed" | "cancelled", at: number): void {
    if (record.outcome !== "under way") return;
    const complete = outcome === "cancelled" && this.#purposes.get(record)?.complete === true;
    record.outcome = complete ? "complete" : outcome;
    record.endedAt = at;
  }

  #attribute(record: RequestRecord, range: readonly PageNo[] | undefined): void {
    const requests = [...this.#open.values()];
    const request =
      range === undefined
        ? (requests.find(({ records }) => records.length === 0) ?? requests.at(-1))
        : requests.find(({ pages }) => range.some((page) => pages.has(page)));
    if (request === undefined) return;
    request.records.push(record);
    this.#purposes.set(record, request);
    // A further request for the same pages brings the rest of them: they are counted once, unless ranges tell them apart.
    if (range === undefined && request.records.length > 1) return;
    const causes = new Map<Cause, number>();
    for (const page of range ?? request.pages.keys()) {
      const cause = request.pages.get(page);
      if (cause === undefined) continue;
      record.pages++;
      causes.set(cause, (causes.get(cause) ?? 0) + 1);
    }
    record.causes = causes;
  }

  #pagesInRange(range: string | null): PageNo[] | undefined {
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(range ?? "") ?? [];
    if (this.pageSize === undefined || first === undefined || last === undefined) return undefined;
    const pages: PageNo[] = [];
    const end = Math.floor(Number(last) / this.pageSize) + 1;
    for (let page = Math.floor(Number(first) / this.pageSize) + 1; page <= end; page++)
      pages.push(pageNo(page));
    return pages;
  }
}

/** The same `fetch`, writing down each request as it goes. @param now milliseconds on a clock that never goes back */
export function recordedFetch(inner: typeof fetch, log: RequestLog, now: () => number): typeof fetch {
  return async (input, init) => {
    const request = input instanceof Request ? input : undefined;
    const url = new URL(request?.url ?? String(input), globalThis.location?.href);
    const headers = new Headers(init?.headers ?? request?.headers);
    const record = log.start({
      method: init?.method ?? request?.method ?? "GET",
      target: url.pathname,
      range: headers.get("range"),
      at: now(),
    });
    const end = (outcome: "complete" | "failed" | "cancelled"): void => log.end(record, outcome, now());
    const fail = (): void => end(init?.signal?.aborted ? "cancelled" : "failed");
    let response: Response;
    try {
      response = await inner(input, init);
    } catch (error) {
      fail();
      throw error;
    }
    record.answeredAt = now();
    record.status = response.status;
    if (response.body === null) {
      end("complete");
      return response;
    }
    return new Response(countedBody(response.body, record, end, fail), response);
  };
}

function countedBody(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  record: RequestRecord,
  end: (outcome: "complete" | "cancelled") => void,
  fail: () => void,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const reader = body.getReader();
  return new ReadableStream({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (done) {
          end("complete");
          controller.close();
          return;
        }
        record.bytes += value.length;
        controller.enqueue(value);
      } catch (error) {
        fail();
        controller.error(error);
      }
    },
    async cancel(reason) {
      end("cancelled");
      await reader.cancel(reason);
    },
  });
}
