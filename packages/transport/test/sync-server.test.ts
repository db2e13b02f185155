import type { PageEntry } from "@lacuna/page";
import {
  answering,
  breaking,
  cutting,
  fetchFrom,
  type Host,
  inTurn,
  padding,
  unreachable,
  webPage,
} from "@lacuna/testkit";
import { describe, expect, it } from "vitest";
import { syncServerTransport } from "../src/sync-server/index.ts";
import { collect, failureOf, numbersOf, openAll, pages, revisionOf } from "./collect.ts";
import { makeDatabase } from "./make-database.ts";
import { type PullAnswer, pullHost } from "./pull-host.ts";

const PAGE = 4096;
const file = makeDatabase();
const url = "https://host.example/base";

const remoteOf = (host: Host) => {
  const through = fetchFrom(host);
  return { ...through, transport: syncServerTransport({ url, fetch: through.fetch }) };
};

/** Opens honestly, then fetches pages 5 to 8 from a server that answers so. */
async function fetchFromHost(hostile: Host) {
  const remote = remoteOf(inTurn(pullHost(file, PAGE), hostile));
  const revision = await revisionOf(remote.transport);
  const request = { revision, pages: pages(5, 6, 7, 8), urgency: "demand" as const };
  return { ...remote, failure: await failureOf(collect(remote.transport.fetchPages(request))) };
}

describe("the memory of pages that were copied", () => {
  /** The lengths of what came before, after each piece of the answer. */
  async function lengths(copies: boolean, type: "bytes" | undefined): Promise<number[]> {
    const host = pullHost(file, PAGE, { chunkBytes: 10_000 });
    const fetch = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
      const { body, headers } = await fetchFrom(host).fetch(input, init);
      const reader = body?.getReader();
      const pull = async (controller: ReadableStreamController<Uint8Array>): Promise<void> => {
        const { value } = (await reader?.read()) ?? {};
        if (value === undefined) controller.close();
        else controller.enqueue(value.slice());
      };
      const source = type === undefined ? { pull } : { type, pull };
      return new Response(new ReadableStream(source as UnderlyingDefaultSource<Uint8Array>), { headers });
    };
    const transport = syncServerTransport({ url, fetch });
    const revision = await revisionOf(transport);
    const request = { revision, pages: pages(5, 6, 7, 8, 9), urgency: "demand" as const, copies };
    const entries: PageEntry[] = [];
    for await (const batch of transport.fetchPages(request)) {
      for (const { page, bytes } of batch) {
        expect(bytes).toEqual(file.subarray((page - 1) * PAGE, page * PAGE));
      }
      entries.push(...batch);
    }
    return entries.map(({ bytes }) => bytes.length);
  }

  it("is given back when more comes, if it is nobody else's", async () => {
    expect(await lengths(true, "bytes")).toContain(0);
  });

  it.each([
    [false, "bytes"],
    [true, undefined],
  ] as const)("is left alone where copies is %s and the body a stream of type %s", async (copies, type) => {
    expect(new Set(await lengths(copies, type))).toEqual(new Set([PAGE]));
  });
});

describe("requests", () => {
  it.each([
    ["https://h.example", "https://h.example/pull-updates"],
    ["https://h.example/", "https://h.example/pull-updates"],
    ["https://h.example/v1/base//", "https://h.example/v1/base/pull-updates"],
    ["libsql://db.h.example", "https://db.h.example/pull-updates"],
    ["turso://db.h.example:8080/x", "https://db.h.example:8080/x/pull-updates"],
    ["http://h.example/a?tenant=1#top", "http://h.example/a/pull-updates?tenant=1"],
  ])("for %s go to %s", async (given, expected) => {
    const { fetch, requests } = fetchFrom(pullHost(file, PAGE));
    await openAll(syncServerTransport({ url: given, fetch }));
    expect(requests.map((request) => `${request.method} ${request.url}`)).toEqual([`POST ${expected}`]);
  });

  it("carry the headers of the protocol, a fresh token and those they are given", async () => {
    let asked = 0;
    const { fetch, requests } = fetchFrom(pullHost(file, PAGE));
    const headers = { "x-turso-encryption-key": "k" };
    const transport = syncServerTransport({ url, fetch, headers, authToken: () => `t${++asked}` });
    await openAll(transport);
    await openAll(transport);
    const sent = requests.map((request) => Object.fromEntries(request.headers));
    expect(sent[1]).toMatchObject({
      authorization: "Bearer t2",
      "content-type": "application/protobuf",
      "accept-encoding": "application/protobuf, gzip",
      "x-turso-encryption-key": "k",
    });
  });

  it("ask for page index 0 only when nothing should come along", async () => {
    const host = pullHost(file, PAGE);
    expect(await openAll(remoteOf(host).transport)).toHaveLength(1);
    expect(host.asked).toMatchObject([{ pages: [{ first: 0, last: 0 }], serverRevision: "", query: "" }]);
  });

  it("ask for page indexes 0 to 31 for a prefix of 128 KiB", async () => {
    const host = pullHost(file, PAGE);
    await openAll(remoteOf(host).transport, { kind: "prefix", bytes: 131_072 });
    expect(host.asked).toMatchObject([{ pages: [{ first: 0, last: 31 }] }]);
  });

  it("have no body when everything is wanted", async () => {
    const { transport, requests } = remoteOf(pullHost(file, PAGE));
    expect(await openAll(transport, { kind: "full" })).toHaveLength(file.length / PAGE);
    expect(requests[0]?.bodyBytes).toBe(0);
    expect(transport.traffic().sentBytes).toBe(0);
  });

  it("carry the SQL of a query bootstrap and take the pages the server picks", async () => {
    const host = pullHost(file, PAGE, { pages: [1, 7, 3] });
    const sql = "SELECT * FROM t WHERE id = 4";
    const entries = await openAll(remoteOf(host).transport, { kind: "query", sql });
    expect(entries.map(({ page }) => page)).toEqual([1, 7, 3]);
    expect(host.asked).toMatchObject([{ query: sql, pages: undefined }]);
  });

  it("name the revision and exactly the pages, in one request", async () => {
    const host = pullHost(file, PAGE);
    const { transport } = remoteOf(host);
    const revision = await revisionOf(transport);
    const asked = { revision, pages: pages(20, 6, 5), urgency: "demand" as const };
    expect(await numbersOf(transport.fetchPages(asked))).toEqual([5, 6, 20]);
    expect(host.asked[1]).toMatchObject({
      serverRevision: "r1",
      firstPages: [19, 5],
      pages: [
        { first: 4, last: 5 },
        { first: 19, last: 19 },
      ],
    });
  });

  it.each([
    ["none that come first anyway", pages(5, 6, 20), []],
    ["the one that somebody waits for", pages(20, 5, 6, 7), [19]],
    ["those before the last that lies behind the next", pages(9, 20, 7, 30, 31), [8, 19]],
    [
      "no more than 32 of many",
      pages(...Array.from({ length: 60 }, (_, at) => 70 - at)),
      Array.from({ length: 32 }, (_, at) => 69 - at),
    ],
  ])("name to be sent first %s", async (_, ranges, firstPages) => {
    const host = pullHost(file, PAGE);
    const { transport } = remoteOf(host);
    const revision = await revisionOf(transport);
    await collect(transport.fetchPages({ revision, pages: ranges, urgency: "demand" })).catch(() => {});
    expect(host.asked[1]?.firstPages).toEqual(firstPages);
  });

  it("send nothing for no pages", async () => {
    const { transport, requests } = remoteOf(pullHost(file, PAGE));
    const revision = await revisionOf(transport);
    expect(await collect(transport.fetchPages({ revision, pages: [], urgency: "prefetch" }))).toEqual([]);
    expect(requests).toHaveLength(1);
  });
});

describe("an answer", () => {
  it("is cancelled once the prefix is here, where pages are larger than was counted on", async () => {
    const large = makeDatabase({ pageSize: 65_536 });
    const host = pullHost(large, 65_536, { chunkBytes: 20_000 });
    const { transport, requests, openAnswers } = remoteOf(host);
    expect(await openAll(transport, { kind: "prefix", bytes: 131_072 })).toHaveLength(2);
    expect(requests[0]?.state).toBe("cancelled");
    expect(requests[0]?.receivedBytes).toBeLessThan(3 * 65_536);
    expect(openAnswers()).toBe(0);
  });

  it("is completed by a second request where pages are smaller than was counted on", async () => {
    const host = pullHost(makeDatabase({ pageSize: 512 }), 512);
    expect(await openAll(remoteOf(host).transport, { kind: "prefix", bytes: 10_000 })).toHaveLength(20);
    expect(host.asked).toMatchObject([
      { pages: [{ first: 0, last: 2 }] },
      { pages: [{ first: 3, last: 19 }], serverRevision: "r1" },
    ]);
  });

  it("may come in any pieces and any order", async () => {
    const { transport } = remoteOf(pullHost(file, PAGE, { pages: [3, 1, 2], chunkBytes: 5 }));
    const entries = await openAll(transport, { kind: "prefix", bytes: 3 * PAGE });
    expect(entries.map(({ page }) => page)).toEqual([3, 1, 2]);
    for (const { page, bytes } of entries) {
      expect(Buffer.compare(bytes, file.subarray((page - 1) * PAGE, page * PAGE))).toBe(0);
    }
  });

  it("to opening may hold pages nobody asked for, which are dropped", async () => {
    const { transport } = remoteOf(pullHost(file, PAGE, { pages: [1, 2, 9] }));
    expect((await openAll(transport)).map(({ page }) => page)).toEqual([1]);
  });

  it.each<[string, PullAnswer, string]>([
    ["of another revision", { revision: "r2" }, "REVISION_CHANGED"],
    ["with a page nobody asked for", { pages: [5, 6, 7, 8, 9] }, "PROTOCOL"],
    ["with a page twice", { pages: [5, 6, 6, 7, 8] }, "PROTOCOL"],
    ["with a page outside the database", { pages: [5, 6, 7, 8], pageCount: 7 }, "PROTOCOL"],
    ["with pages of another length", { page: () => new Uint8Array(512) }, "PROTOCOL"],
    ["without one of the pages", { pages: [5, 6, 8] }, "SHORT_READ"],
    ["without pages", { pages: [] }, "SHORT_READ"],
  ])("to a fetch %s is an error and leaves nothing open", async (_, answer, code) => {
    const { failure, openAnswers } = await fetchFromHost(pullHost(file, PAGE, answer));
    expect(failure).toMatchObject({ code });
    expect(openAnswers()).toBe(0);
  });

  it.each<[string, PullAnswer, string]>([
    ["without page 1", { pages: [] }, "SHORT_READ"],
    ["whose page 1 is no database", { page: () => new Uint8Array(PAGE) }, "NOT_A_DATABASE"],
    ["whose page 1 tells another page size", { page: (bytes) => bytes.subarray(0, 512) }, "PROTOCOL"],
    ["of an empty database with a page", { pageCount: 0, pages: [1] }, "PROTOCOL"],
  ])("to opening %s is an error and leaves nothing open", async (_, answer, code) => {
    const { transport, openAnswers } = remoteOf(pullHost(file, PAGE, answer));
    await expect(openAll(transport)).rejects.toMatchObject({ code });
    expect(openAnswers()).toBe(0);
  });

  it("to a full bootstrap without one of the pages is a short read", async () => {
    const { transport } = remoteOf(pullHost(file, PAGE, { pages: [1, 2, 3] }));
    await expect(openAll(transport, { kind: "full" })).rejects.toMatchObject({ code: "SHORT_READ" });
  });

  it("to a query without page 1 is a short read", async () => {
    const { transport } = remoteOf(pullHost(file, PAGE, { pages: [4] }));
    const bootstrap = { kind: "query", sql: "SELECT 1" } as const;
    await expect(openAll(transport, bootstrap)).rejects.toMatchObject({ code: "SHORT_READ" });
  });
});

describe("a hostile server", () => {
  const honest = pullHost(file, PAGE);

  it.each<[string, Host, string]>([
    ["that cannot be reached", unreachable(), "NETWORK"],
    ["that breaks the connection", breaking(honest, 5000), "NETWORK"],
    ["that ends its answer inside a page", cutting(honest, 5000), "SHORT_READ"],
    ["that goes on after its answer with zeros", padding(honest, 100), "PROTOCOL"],
    ["that sends nothing", answering(200), "PROTOCOL"],
    ["that sends garbage", answering(200, new Uint8Array(5000).fill(0xff)), "PROTOCOL"],
    ["that sends a web page", webPage(), "NOT_A_DATABASE"],
    ["that refuses the token", answering(401, "who?"), "UNAUTHORIZED"],
    ["that forbids", answering(403), "UNAUTHORIZED"],
    ["that has nothing there", answering(404, "Not Found"), "HTTP_STATUS"],
    ["that fails", answering(500, "boom"), "HTTP_STATUS"],
    ["that sends an empty success", answering(204), "HTTP_STATUS"],
    ["that forgot the revision", answering(410), "REVISION_CHANGED"],
    [
      "that says so in JSON",
      answering(404, '{"code":"REVISION_CHANGED","message":"gone"}'),
      "REVISION_CHANGED",
    ],
  ])("%s ends a fetch with an error", async (_, hostile, code) => {
    const { failure, openAnswers } = await fetchFromHost(hostile);
    expect(failure).toMatchObject({ code });
    expect(openAnswers()).toBe(0);
  });

  it.each<[string, Host, string]>([
    ["that fails", answering(500, "boom"), "HTTP_STATUS"],
    ["that refuses the token", answering(401), "UNAUTHORIZED"],
    ["that sends a web page", webPage(), "NOT_A_DATABASE"],
    ["that breaks the connection", breaking(honest, 100), "NETWORK"],
    ["that is gone for good", answering(410), "HTTP_STATUS"],
  ])("%s ends opening with an error", async (_, hostile, code) => {
    const { transport, openAnswers } = remoteOf(hostile);
    await expect(transport.open()).rejects.toMatchObject({ code });
    expect(openAnswers()).toBe(0);
  });

  it("that runs no SQL refuses a query with its own words", async () => {
    const bootstrap = { kind: "query", sql: "SELECT 1" } as const;
    for (const hostile of [
      answering(400, "no query bootstrap here"),
      answering(501, '{"code":"NOT_SUPPORTED","message":"no query bootstrap here"}'),
    ]) {
      await expect(remoteOf(hostile).transport.open({ bootstrap })).rejects.toMatchObject({
        code: "NOT_SUPPORTED",
        message: expect.stringContaining("no query bootstrap here"),
      });
    }
  });

  it("that is only overloaded does not count as refusing a query", async () => {
    const bootstrap = { kind: "query", sql: "SELECT 1" } as const;
    await expect(remoteOf(answering(503)).transport.open({ bootstrap })).rejects.toMatchObject({
      code: "HTTP_STATUS",
      status: 503,
    });
  });

  it("that sends garbage inside a page is not noticed here", async () => {
    const garbled = pullHost(file, PAGE, { page: () => new Uint8Array(PAGE).fill(0xee) });
    const { transport } = remoteOf(inTurn(honest, garbled));
    const revision = await revisionOf(transport);
    expect(await numbersOf(transport.fetchPages({ revision, pages: pages(5), urgency: "demand" }))).toEqual([
      5,
    ]);
  });
});
