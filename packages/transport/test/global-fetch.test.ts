import { gzipSync } from "node:zlib";
import { answering, breaking, ManualTimers, silent, stalling, staticHost, webPage } from "@lacuna/testkit";
import { HttpResponse, http } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { httpRangeTransport } from "../src/http-range/index.ts";
import { detectRemote, retryFetch, withRetry, withTimeout } from "../src/index.ts";
import { syncServerTransport } from "../src/sync-server/index.ts";
import { collect, failureOf, numbersOf, openAll, pages, revisionOf } from "./collect.ts";
import { makeDatabase } from "./make-database.ts";
import { pullHost } from "./pull-host.ts";

const network = setupServer();
beforeAll(() => network.listen({ onUnhandledFrame: "error" }));
afterEach(() => network.resetHandlers());
afterAll(() => network.close());

const file = makeDatabase();
const honest = staticHost(file);
const url = "https://files.example/made.db";
const fetching = { pages: pages(5, 6, 7, 8), urgency: "demand" } as const;

describe("httpRangeTransport with the runtime's own fetch", () => {
  it("reads pages", async () => {
    network.use(http.get(url, ({ request }) => honest(request)));
    const transport = httpRangeTransport({ url });
    const revision = await revisionOf(transport);
    expect(await numbersOf(transport.fetchPages({ revision, ...fetching }))).toEqual([5, 6, 7, 8]);
    expect(transport.traffic()).toEqual({ requests: 2, sentBytes: 0, receivedBytes: 5 * 4096 });
  });

  it("follows redirects with its range", async () => {
    const ranges: (string | null)[] = [];
    network.use(
      http.get(url, () => HttpResponse.redirect("https://store.example/signed", 302)),
      http.get("https://store.example/signed", ({ request }) => {
        ranges.push(request.headers.get("range"));
        return honest(request);
      }),
    );
    expect(await openAll(httpRangeTransport({ url }))).toHaveLength(1);
    expect(ranges).toEqual(["bytes=0-4095"]);
  });

  it("does not follow redirects in a circle", async () => {
    network.use(http.get(url, () => HttpResponse.redirect(url, 302)));
    await expect(httpRangeTransport({ url }).open()).rejects.toMatchObject({ code: "NETWORK" });
  });

  it("refuses a range that was compressed on the way", async () => {
    network.use(
      http.get(url, async ({ request }) => {
        const response = await honest(request);
        const headers = new Headers(response.headers);
        headers.set("content-encoding", "gzip");
        headers.delete("content-length");
        const body = gzipSync(new Uint8Array(await response.arrayBuffer()));
        return new Response(new Uint8Array(body), { status: 206, headers });
      }),
    );
    await expect(httpRangeTransport({ url }).open()).rejects.toMatchObject({ code: "RANGE_UNSUPPORTED" });
  });

  it("tells a web page from a database", async () => {
    network.use(http.get(url, ({ request }) => webPage()(request)));
    await expect(httpRangeTransport({ url }).open()).rejects.toMatchObject({ code: "NOT_A_DATABASE" });
  });

  it("reports a network failure", async () => {
    network.use(http.get(url, () => HttpResponse.error()));
    await expect(httpRangeTransport({ url }).open()).rejects.toMatchObject({ code: "NETWORK" });
  });

  it("recovers from a failure in the middle of a body", async () => {
    let answers = 0;
    network.use(
      http.get(url, ({ request }) => (++answers === 2 ? breaking(honest, 5000)(request) : honest(request))),
    );
    const transport = withRetry(withTimeout(httpRangeTransport({ url })), { baseDelayMs: 0 });
    const revision = await revisionOf(transport);
    expect(await numbersOf(transport.fetchPages({ revision, ...fetching }))).toEqual([5, 6, 7, 8]);
    expect(answers).toBe(3);
  });

  it("ends with the reason when aborted before the headers and in the body", async () => {
    const reason = new Error("the reader left");
    const asking = new AbortController();
    network.use(
      http.get(url, ({ request }) => {
        asking.abort(reason);
        return silent()(request);
      }),
    );
    await expect(httpRangeTransport({ url }).open({ signal: asking.signal })).rejects.toBe(reason);

    const reading = new AbortController();
    network.use(http.get(url, ({ request }) => stalling(honest, 9000)(request)));
    const opening = await httpRangeTransport({ url }).open({
      bootstrap: { kind: "full" },
      signal: reading.signal,
    });
    const came = failureOf(
      (async () => {
        for await (const batch of opening.pages) {
          if (batch.some(({ page }) => page === 2)) reading.abort(reason);
        }
      })(),
    );
    expect(await came).toBe(reason);
  });
});

describe("syncServerTransport with the runtime's own fetch", () => {
  const pull = "https://db.example/pull-updates";

  it("reads pages", async () => {
    network.use(http.post(pull, ({ request }) => pullHost(file, 4096)(request)));
    const transport = syncServerTransport({ url: "libsql://db.example", authToken: "t" });
    const revision = await revisionOf(transport);
    expect(await numbersOf(transport.fetchPages({ revision, ...fetching }))).toEqual([5, 6, 7, 8]);
  });

  it("asks for compression, and reads what was compressed", async () => {
    network.use(
      http.post(pull, async ({ request }) => {
        expect(request.headers.get("accept-encoding")).toMatch(/\bgzip\b/);
        const response = await pullHost(file, 4096)(request);
        const headers = { "content-type": "application/protobuf", "content-encoding": "gzip" };
        return new Response(new Uint8Array(gzipSync(new Uint8Array(await response.arrayBuffer()))), {
          headers,
        });
      }),
    );
    const transport = syncServerTransport({ url: "libsql://db.example" });
    const revision = await revisionOf(transport);
    expect(await numbersOf(transport.fetchPages({ revision, ...fetching }))).toEqual([5, 6, 7, 8]);
  });

  it("sends its body again when it is redirected with 307", async () => {
    network.use(
      http.post("https://old.example/pull-updates", () => HttpResponse.redirect(pull, 307)),
      http.post(pull, ({ request }) => pullHost(file, 4096)(request)),
    );
    const transport = syncServerTransport({ url: "https://old.example" });
    expect(await openAll(transport, { kind: "prefix", bytes: 8192 })).toHaveLength(2);
  });

  it("reports a network failure, and recovers with retryFetch", async () => {
    let answers = 0;
    network.use(
      http.post(pull, ({ request }) =>
        ++answers % 2 === 1 ? HttpResponse.error() : pullHost(file, 4096)(request),
      ),
    );
    await expect(syncServerTransport({ url: "https://db.example" }).open()).rejects.toMatchObject({
      code: "NETWORK",
    });
    answers = 0;
    const fetch = retryFetch({ delayMs: 0 });
    expect(await openAll(syncServerTransport({ url: "https://db.example", fetch }))).toHaveLength(1);
    expect(answers).toBe(2);
  });
});

describe("detectRemote with the runtime's own fetch", () => {
  it("tells a file from a server", async () => {
    network.use(
      http.get(url, ({ request }) => honest(request)),
      http.post("https://db.example/pull-updates", ({ request }) => pullHost(file, 4096)(request)),
      http.all("https://none.example/*", ({ request }) => answering(404)(request)),
      http.all("https://none.example/", ({ request }) => answering(404)(request)),
    );
    expect(await detectRemote(url)).toBe("static");
    expect(await detectRemote("https://db.example/")).toBe("sync-server");
    await expect(detectRemote("https://none.example/")).rejects.toMatchObject({ code: "NOT_A_DATABASE" });
  });
});

/** Lets everything happen that needs no time to pass. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
}

it("leaves no promise rejected without a listener", async () => {
  const seen: unknown[] = [];
  const listen = (error: unknown): void => {
    seen.push(error);
  };
  process.on("unhandledRejection", listen);
  network.use(http.get(url, ({ request }) => stalling(honest, 9000)(request)));
  const timers = new ManualTimers();
  const transport = withTimeout(httpRangeTransport({ url }), { timers });
  const slow = await transport.open({ bootstrap: { kind: "full" } });
  const waiting = failureOf(collect(slow.pages));
  await settle();
  timers.advance(30_000);
  expect(await waiting).toMatchObject({ code: "TIMEOUT" });
  const { pages } = await transport.open({ bootstrap: { kind: "full" } });
  await pages[Symbol.asyncIterator]().return?.();
  const closing = failureOf(collect((await transport.open({ bootstrap: { kind: "full" } })).pages));
  await transport.close();
  expect(await closing).toMatchObject({ code: "CLOSED" });
  await settle();
  process.off("unhandledRejection", listen);
  expect(seen).toEqual([]);
});
