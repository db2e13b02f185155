import type { PageEntry, Revision } from "@lacuna/page";
import {
  answering,
  breaking,
  changingEtag,
  compressing,
  cutting,
  dripping,
  fetchFrom,
  type Host,
  type HostFetch,
  ignoringRanges,
  inTurn,
  padding,
  shiftingRanges,
  silent,
  staticHost,
  unreachable,
  weakEtag,
  webPage,
  withHeaders,
} from "@lacuna/testkit";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { type HttpRangeOptions, httpRangeTransport } from "../src/http-range/index.ts";
import { collect, countingOpen, failureOf, numbersOf, openAll, pages, revisionOf } from "./collect.ts";
import { makeDatabase } from "./make-database.ts";

const url = "https://host.example/made.db?signature=secret";
const file = makeDatabase();
const honest = staticHost(file);
const PAGE = 4096;

type Remote = HostFetch & { readonly transport: ReturnType<typeof httpRangeTransport> };

const remoteOf = (host: Host, options: Partial<HttpRangeOptions> = {}): Remote => {
  const through = fetchFrom(host);
  return { ...through, transport: httpRangeTransport({ url, fetch: through.fetch, ...options }) };
};

/** Opens honestly, then fetches pages 5 to 8 from the hostile host. */
async function fetchFromHost(
  hostile: Host,
  options?: Partial<HttpRangeOptions>,
): Promise<Remote & { failure: unknown }> {
  const remote = remoteOf(inTurn(honest, hostile), options);
  const revision = await revisionOf(remote.transport);
  const request = { revision, pages: pages(5, 6, 7, 8), urgency: "demand" as const };
  return { ...remote, failure: await failureOf(collect(remote.transport.fetchPages(request))) };
}

const fetchOnce = (revision: Revision, ...numbers: number[]) => ({
  revision,
  pages: pages(...numbers),
  urgency: "demand" as const,
});

describe("requests", () => {
  it("opens with one range of the first page", async () => {
    const { transport, requests } = remoteOf(honest);
    await openAll(transport);
    expect(requests.map(({ headers }) => headers.get("range"))).toEqual(["bytes=0-4095"]);
    expect(requests[0]?.headers.get("accept-encoding")).toBe("identity");
  });

  it("brings a prefix with the request that opens", async () => {
    const { transport, requests } = remoteOf(honest);
    expect(await openAll(transport, { kind: "prefix", bytes: 32_768 })).toHaveLength(8);
    expect(requests.map(({ headers }) => headers.get("range"))).toEqual(["bytes=0-32767"]);
  });

  it("brings a page of 64 KiB in a second request when the prefix ends inside it", async () => {
    const large = makeDatabase({ pageSize: 65_536 });
    const { transport, requests } = remoteOf(staticHost(large));
    expect(await openAll(transport, { kind: "prefix", bytes: 70_000 })).toHaveLength(2);
    expect(requests.map(({ headers }) => headers.get("range"))).toEqual([
      "bytes=0-73727",
      "bytes=65536-131071",
    ]);
  });

  it("asks for a run of pages in one range, pinned to the tag", async () => {
    const { transport, requests } = remoteOf(honest);
    const revision = await revisionOf(transport);
    await collect(transport.fetchPages(fetchOnce(revision, 6, 5, 7, 8)));
    expect(requests).toHaveLength(2);
    expect(requests[1]?.headers.get("range")).toBe(`bytes=${4 * PAGE}-${8 * PAGE - 1}`);
    expect(requests[1]?.headers.get("if-match")).toMatch(/^"/);
  });

  it("merges pages when the gap between them is cheaper than a request, and drops the gap", async () => {
    const { transport, requests } = remoteOf(honest, { gapBytes: 2 * PAGE, rangesPerRequest: 1 });
    const revision = await revisionOf(transport);
    expect(await numbersOf(transport.fetchPages(fetchOnce(revision, 10, 5, 7)))).toEqual([5, 7, 10]);
    expect(requests).toHaveLength(2);
    expect(await numbersOf(transport.fetchPages(fetchOnce(revision, 5, 9)))).toEqual([5, 9]);
    expect(requests).toHaveLength(4);
  });

  it("brings the pages between too, each once, when the request takes others", async () => {
    const { transport, requests } = remoteOf(honest, { gapBytes: 2 * PAGE, rangesPerRequest: 1 });
    const request = { ...fetchOnce(await revisionOf(transport), 20, 10, 5, 7), takesOthers: true };
    const entries = await collect(transport.fetchPages(request));
    expect(entries.map(({ page }) => page).sort((a, b) => a - b)).toEqual([5, 6, 7, 8, 9, 10, 20]);
    for (const { page, bytes } of entries) {
      expect(Buffer.compare(bytes, file.subarray((page - 1) * PAGE, page * PAGE))).toBe(0);
    }
    expect(requests).toHaveLength(3);
  });

  it("closes gaps by itself before anything is measured", async () => {
    const { transport, requests } = remoteOf(honest);
    const revision = await revisionOf(transport);
    expect(await numbersOf(transport.fetchPages(fetchOnce(revision, 5, 20, 30)))).toEqual([5, 20, 30]);
    expect(requests).toHaveLength(2);
  });

  it("sends no more requests at once than it may", async () => {
    const counting = countingOpen(honest);
    const { transport, requests } = remoteOf(counting.host, {
      gapBytes: 0,
      maxRequests: 3,
      rangesPerRequest: 1,
    });
    const revision = await revisionOf(transport);
    await collect(transport.fetchPages(fetchOnce(revision, 2, 4, 6, 8, 10, 12, 14, 16)));
    expect(counting.most()).toBe(3);
    expect(requests).toHaveLength(9);
  });

  it("sends the headers and the token it is given, asked anew for each request", async () => {
    let asked = 0;
    const { transport, requests } = remoteOf(honest, {
      authToken: async () => `t${++asked}`,
      headers: { "x-who": "me" },
    });
    const revision = await revisionOf(transport);
    await collect(transport.fetchPages(fetchOnce(revision, 2)));
    expect(requests.map(({ headers }) => headers.get("authorization"))).toEqual(["Bearer t1", "Bearer t2"]);
    expect(requests[1]?.headers.get("x-who")).toBe("me");
  });

  it.each([
    ["authToken", { authToken: "secret\nsecret" }],
    ["headers", { headers: { "x-key": "secret\u0000" } }],
  ])("with %s that HTTP cannot send are refused, without telling what it was", async (name, options) => {
    const { transport, requests } = remoteOf(honest, options);
    const failure = await failureOf(openAll(transport));
    expect(failure).toMatchObject({ code: "INVALID_OPTION", message: expect.stringContaining(name) });
    expect(failure).not.toHaveProperty("cause");
    expect(`${failure}`).not.toContain("secret");
    expect(requests).toEqual([]);
  });

  it("puts pages together from any pieces", async () => {
    const { transport } = remoteOf(dripping(honest, 777));
    const entries = await openAll(transport, { kind: "full" });
    expect(entries).toHaveLength(file.length / PAGE);
    for (const { page, bytes } of entries) {
      expect(Buffer.compare(bytes, file.subarray((page - 1) * PAGE, page * PAGE))).toBe(0);
    }
  });

  it("brings everything from a host without ranges when everything is wanted", async () => {
    const { transport, requests } = remoteOf(ignoringRanges(honest));
    expect(await openAll(transport, { kind: "full" })).toHaveLength(file.length / PAGE);
    expect(requests).toHaveLength(1);
  });
});

it("asks in a browser without a condition, which would need permission, and past the browser's cache", async () => {
  vi.stubGlobal("document", {});
  onTestFinished(() => void vi.unstubAllGlobals());
  const inits: (RequestInit | undefined)[] = [];
  const { fetch } = fetchFrom(honest);
  const transport = httpRangeTransport({
    url,
    fetch: (input, init) => {
      inits.push(init);
      return fetch(input, init);
    },
  });
  const revision = await revisionOf(transport);
  await collect(transport.fetchPages({ ...fetchOnce(revision, 5), urgency: "prefetch" }));
  expect(inits.map((init) => [init?.cache, init?.priority])).toEqual([
    ["no-store", "high"],
    ["no-store", "low"],
  ]);
  expect(new Headers(inits[1]?.headers).has("if-match")).toBe(false);
});

describe("a hostile host", () => {
  it("that ignores ranges is refused without downloading the file", async () => {
    const big = new Uint8Array(3_000_000);
    big.set(file);
    const { transport, requests, openAnswers } = remoteOf(ignoringRanges(staticHost(big)));
    await expect(transport.open()).rejects.toMatchObject({ code: "RANGE_UNSUPPORTED", status: 200 });
    expect(requests[0]?.state).toBe("cancelled");
    expect(requests[0]?.receivedBytes).toBe(0);
    expect(openAnswers()).toBe(0);
    const later = await fetchFromHost(ignoringRanges(honest));
    expect(later.failure).toMatchObject({ code: "RANGE_UNSUPPORTED" });
    expect(later.requests[1]).toMatchObject({ state: "cancelled", receivedBytes: 0 });
  });

  it("that compresses ranges is refused", async () => {
    await expect(remoteOf(compressing(honest)).transport.open()).rejects.toMatchObject({
      code: "RANGE_UNSUPPORTED",
      message: expect.stringContaining("gzip"),
    });
    const { failure, openAnswers } = await fetchFromHost(compressing(honest));
    expect(failure).toMatchObject({ code: "RANGE_UNSUPPORTED" });
    expect(openAnswers()).toBe(0);
  });

  it("that compresses the whole file is refused", async () => {
    const { transport } = remoteOf(compressing(ignoringRanges(honest)));
    await expect(transport.open({ bootstrap: { kind: "full" } })).rejects.toMatchObject({
      code: "RANGE_UNSUPPORTED",
    });
  });

  it("that sends another range is refused", async () => {
    const { failure, openAnswers } = await fetchFromHost(shiftingRanges(honest, PAGE));
    expect(failure).toMatchObject({ code: "RANGE_UNSUPPORTED" });
    expect(openAnswers()).toBe(0);
  });

  it.each([
    ["none", null],
    ["nonsense", "bytes 4096-1/7"],
    ["no length of the file", "bytes 16384-32767/*"],
  ])("that sends %s as Content-Range breaks the protocol", async (_, value) => {
    const hostile = withHeaders(honest, { "content-range": value });
    expect((await fetchFromHost(hostile)).failure).toMatchObject({ code: "PROTOCOL" });
  });

  it("whose Content-Length contradicts the range breaks the protocol", async () => {
    const hostile = withHeaders(honest, { "content-length": "12" });
    expect((await fetchFromHost(hostile)).failure).toMatchObject({ code: "PROTOCOL" });
  });

  it("that sends less than it says is a short read, at opening and later", async () => {
    const { failure, openAnswers } = await fetchFromHost(cutting(honest, 5000));
    expect(failure).toMatchObject({ code: "SHORT_READ" });
    expect(openAnswers()).toBe(0);
    await expect(remoteOf(cutting(honest, 50)).transport.open()).rejects.toMatchObject({
      code: "SHORT_READ",
    });
    await expect(openAll(remoteOf(cutting(honest, 3000)).transport)).rejects.toMatchObject({
      code: "SHORT_READ",
    });
  });

  it("that sends more than it says is a short read, and no extra page comes of it", async () => {
    const { failure, openAnswers } = await fetchFromHost(padding(honest, PAGE));
    expect(failure).toMatchObject({ code: "SHORT_READ" });
    expect(openAnswers()).toBe(0);
  });

  it("that breaks the connection is a network failure, and the pages before it are good", async () => {
    const remote = remoteOf(inTurn(honest, breaking(honest, 2 * PAGE + 100)));
    const revision = await revisionOf(remote.transport);
    const came: Awaited<ReturnType<typeof collect>> = [];
    const failure = await failureOf(
      collect(remote.transport.fetchPages(fetchOnce(revision, 5, 6, 7, 8)), came),
    );
    expect(failure).toMatchObject({ code: "NETWORK" });
    expect(came.map(({ page }) => page)).toEqual([5, 6]);
  });

  it("that cannot be reached is a network failure, told without the secret part of the URL", async () => {
    const failure = await failureOf(remoteOf(unreachable()).transport.open());
    expect(failure).toMatchObject({ code: "NETWORK", url: "https://host.example/made.db" });
    expect(String(failure)).toContain("connection refused");
    expect(String(failure)).not.toContain("secret");
  });

  it("that sends a web page is not a database", async () => {
    await expect(remoteOf(webPage()).transport.open()).rejects.toMatchObject({
      code: "NOT_A_DATABASE",
      message: expect.stringContaining("text/html"),
    });
    expect((await fetchFromHost(webPage())).failure).toMatchObject({ code: "NOT_A_DATABASE" });
  });

  it("that serves another kind of file is not a database, told with its content type", async () => {
    const picture = staticHost(new Uint8Array(9000).fill(7), { contentType: "image/png" });
    await expect(remoteOf(picture).transport.open()).rejects.toMatchObject({
      code: "NOT_A_DATABASE",
      message: expect.stringContaining("image/png"),
    });
  });

  it.each([401, 403])("that answers %i refuses the credentials", async (status) => {
    await expect(remoteOf(answering(status)).transport.open()).rejects.toMatchObject({
      code: "UNAUTHORIZED",
      status,
    });
  });

  it.each([404, 429, 500, 503])(
    "that answers %i is told with the status and what it said",
    async (status) => {
      const failure = await failureOf(remoteOf(answering(status, "go\naway ".repeat(999))).transport.open());
      expect(failure).toMatchObject({ code: "HTTP_STATUS", status });
      expect(String(failure)).toContain("go away go away");
      expect(String(failure).length).toBeLessThan(400);
    },
  );
});

describe("a file that is replaced", () => {
  const other = makeDatabase({ seed: 2 });
  const longer = new Uint8Array(file.length + PAGE);
  longer.set(other);

  it.each<[string, Host]>([
    ["by the condition", staticHost(other)],
    ["by the tag alone", changingEtag(honest)],
    ["by its length", withHeaders(staticHost(longer), { etag: null })],
    ["because it became too short", staticHost(other.subarray(0, PAGE))],
    ["because its tag is gone", withHeaders(honest, { etag: null })],
    ["because its tag became weak", weakEtag(honest)],
  ])("is noticed %s", async (_, hostile) => {
    const { failure, openAnswers } = await fetchFromHost(hostile);
    expect(failure).toMatchObject({ code: "REVISION_CHANGED" });
    expect(openAnswers()).toBe(0);
  });

  it("is noticed by its length even where the host lies about the tag", async () => {
    const liar = { etag: '"always"' };
    const remote = remoteOf(inTurn(staticHost(file, liar), staticHost(longer, liar)));
    const revision = await revisionOf(remote.transport);
    await expect(collect(remote.transport.fetchPages(fetchOnce(revision, 5)))).rejects.toMatchObject({
      code: "REVISION_CHANGED",
    });
  });

  it("is noticed when the range lies behind its end, where the host knows no condition", async () => {
    const remote = remoteOf(inTurn(weakEtag(honest), weakEtag(staticHost(other.subarray(0, PAGE)))));
    const revision = await revisionOf(remote.transport);
    await expect(collect(remote.transport.fetchPages(fetchOnce(revision, 5)))).rejects.toMatchObject({
      code: "REVISION_CHANGED",
    });
  });

  it("is noticed by a weak tag", async () => {
    const remote = remoteOf(inTurn(weakEtag(honest), weakEtag(honest), weakEtag(staticHost(other), 'W/"2"')));
    const revision = await revisionOf(remote.transport);
    expect(await numbersOf(remote.transport.fetchPages(fetchOnce(revision, 2)))).toEqual([2]);
    await expect(collect(remote.transport.fetchPages(fetchOnce(revision, 2)))).rejects.toMatchObject({
      code: "REVISION_CHANGED",
    });
    expect(remote.requests.some(({ headers }) => headers.has("if-match"))).toBe(false);
  });

  it("is noticed by its change counter where the host gives no validator, before a page is handed out", async () => {
    const plain = staticHost(file, { etag: null });
    const changed = file.slice();
    changed.set([0, 0, 9, 9], 24);
    changed.set([0, 0, 9, 9], 92);
    const replaced = staticHost(changed, { etag: null });
    const remote = remoteOf(inTurn(plain, plain, plain, replaced));
    const revision = await revisionOf(remote.transport);
    expect(await numbersOf(remote.transport.fetchPages(fetchOnce(revision, 2, 3)))).toEqual([2, 3]);
    const came: Awaited<ReturnType<typeof collect>> = [];
    const fetching = collect(remote.transport.fetchPages(fetchOnce(revision, 2, 3)), came);
    await expect(fetching).rejects.toMatchObject({ code: "REVISION_CHANGED" });
    expect(came).toEqual([]);
  });
});

it("cancels an answer that comes after the abort, from a fetch that does not heed its signal", async () => {
  const reason = new Error("the reader left");
  const controller = new AbortController();
  let cancelled = 0;
  let answer = (): void => {};
  const deaf = (): Promise<Response> =>
    new Promise((resolve) => {
      answer = () => resolve(new Response(new ReadableStream({ cancel: () => void cancelled++ })));
      controller.abort(reason);
    });
  const transport = httpRangeTransport({ url, fetch: deaf });
  await expect(transport.open({ signal: controller.signal })).rejects.toBe(reason);
  answer();
  await new Promise((resolve) => setImmediate(resolve));
  expect(cancelled).toBe(1);
});

describe("ranges that go on at once", () => {
  /** Page 5 comes, page 20 is refused once `refuse` is called, anything else hangs. */
  const firstPage = async () => {
    let refuse = (): void => {};
    const refused = new Promise<void>((resolve) => {
      refuse = resolve;
    });
    const mixed: Host = async (request) => {
      const page = Number(/\d+/.exec(request.headers.get("range") ?? "")?.[0]) / PAGE + 1;
      if (page === 5) return honest(request);
      if (page === 20) await refused;
      return (page === 20 ? answering(500) : silent())(request);
    };
    const remote = remoteOf(inTurn(honest, mixed), { gapBytes: 0, rangesPerRequest: 1 });
    const revision = await revisionOf(remote.transport);
    const reading = remote.transport.fetchPages(fetchOnce(revision, 5, 20, 30))[Symbol.asyncIterator]();
    expect((await reading.next()).value?.map(({ page }: PageEntry) => page)).toEqual([5]);
    return { ...remote, reading, refuse };
  };

  it("end with the iteration, also those that hang", async () => {
    const { reading, openAnswers } = await firstPage();
    expect(openAnswers()).toBeGreaterThan(1);
    await reading.return?.();
    expect(openAnswers()).toBe(0);
  });

  it("end as soon as one fails, though the consumer takes its time", async () => {
    const { reading, refuse, openAnswers } = await firstPage();
    refuse();
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(openAnswers()).toBe(0);
    await expect(reading.next()).rejects.toMatchObject({ status: 500 });
  });
});

describe("options", () => {
  it.each([
    ["gapBytes", { gapBytes: -1 }],
    ["maxRequests", { maxRequests: 0 }],
    ["rangesPerRequest", { rangesPerRequest: 0 }],
    ["URL", { url: "made.db" }],
    ["ftp:", { url: "ftp://host.example/made.db" }],
    ["password", { url: "https://me:pw@host.example/made.db" }],
  ])("that are wrong are refused by name: %s", (name, wrong) => {
    expect(() => httpRangeTransport({ url, ...wrong })).toThrow(
      expect.objectContaining({ code: "INVALID_OPTION", message: expect.stringContaining(name) }),
    );
  });

  it("pause the remote while the function for the URL gives none", async () => {
    let where: string | null = null;
    const { fetch } = fetchFrom(honest);
    const transport = httpRangeTransport({ url: () => where, fetch });
    await expect(transport.open()).rejects.toMatchObject({ code: "OFFLINE" });
    expect(transport.traffic().requests).toBe(0);
    where = url;
    expect(await openAll(transport)).toHaveLength(1);
  });
});
