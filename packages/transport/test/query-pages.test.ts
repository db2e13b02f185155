import { type PageNo, PageSet, pageNo, type Transport } from "@lacuna/page";
import { decodePageSelector } from "@lacuna/protocol";
import { answering, breaking, fetchFrom, type Host, inTurn, stalling } from "@lacuna/testkit";
import { describe, expect, it } from "vitest";
import { httpRangeTransport } from "../src/http-range/index.ts";
import { withRetry, withTimeout } from "../src/index.ts";
import { syncServerTransport } from "../src/sync-server/index.ts";
import { collect, failureOf, revisionOf } from "./collect.ts";
import { makeDatabase } from "./make-database.ts";
import { type PullAnswer, pullHost } from "./pull-host.ts";

const PAGE = 4096;
const file = makeDatabase();
const url = "https://host.example";
const sql = "SELECT 1";
const held = (...pages: number[]): PageSet => new PageSet(pages.map(pageNo));

/** A server that takes every query to touch pages 1, 2 and 5, and sends what it says. */
const queried = (answer: PullAnswer = { pages: [1, 2, 5] }) =>
  pullHost(file, PAGE, ({ query }) => (query === "" ? {} : answer));

async function pagesOfQuery(transport: Transport, there: PageSet): Promise<PageNo[]> {
  const revision = await revisionOf(transport);
  const batches = transport.queryPages?.({ revision, sql, held: there });
  if (batches === undefined) throw new Error("the transport runs no queries");
  return (await collect(batches)).map(({ page }) => page);
}

describe("the pages of a query", () => {
  it("are asked for with the revision, the query and the pages that are held", async () => {
    const host = queried();
    const transport = syncServerTransport({ url, fetch: fetchFrom(host).fetch });
    expect(await pagesOfQuery(transport, held(2, 3))).toEqual([1, 5]);
    expect(host.asked).toHaveLength(2);
    const { serverRevision, query, clientPages, pages } = host.asked[1] ?? {};
    expect({ serverRevision, query, pages }).toEqual({ serverRevision: "r1", query: sql, pages: undefined });
    expect(decodePageSelector(clientPages ?? new Uint8Array(0))).toEqual([{ first: 1, last: 2 }]);
  });

  it("are asked for without a list where nothing is held", async () => {
    const host = queried();
    const transport = syncServerTransport({ url, fetch: fetchFrom(host).fetch });
    expect(await pagesOfQuery(transport, held())).toEqual([1, 2, 5]);
    expect(host.asked[1]?.clientPages).toHaveLength(0);
  });

  it.each<[string, Host, string]>([
    ["another revision", pullHost(file, PAGE, { revision: "r2", pages: [1] }), "REVISION_CHANGED"],
    ["a refusal", answering(400, "no"), "NOT_SUPPORTED"],
    ["a revision that is gone", answering(410, "gone"), "REVISION_CHANGED"],
    ["a failure", answering(500, "boom"), "HTTP_STATUS"],
  ])("end with an error after %s", async (_, hostile, code) => {
    const host = inTurn(pullHost(file, PAGE), hostile);
    const transport = syncServerTransport({ url, fetch: fetchFrom(host).fetch });
    expect(await failureOf(pagesOfQuery(transport, held()))).toMatchObject({ code });
  });

  it("are not offered by a static host", () => {
    expect(httpRangeTransport({ url }).queryPages).toBeUndefined();
    expect(withRetry(withTimeout(httpRangeTransport({ url }))).queryPages).toBeUndefined();
  });

  it("are asked for again without those that came, when the connection breaks", async () => {
    const honest = queried({ pages: [1, 2, 5], chunkBytes: PAGE });
    const host = inTurn(honest, breaking(honest, PAGE * 2), honest);
    const bare = syncServerTransport({ url, fetch: fetchFrom(host).fetch });
    const transport = withRetry(bare, { sleep: async () => {} });
    expect((await pagesOfQuery(transport, held())).toSorted((a, b) => a - b)).toEqual([1, 2, 5]);
    const again = honest.asked.at(-1)?.clientPages ?? new Uint8Array(0);
    expect(decodePageSelector(again)?.[0]?.first).toBe(0);
  });

  it("end with TIMEOUT when the server falls silent", async () => {
    const host = inTurn(pullHost(file, PAGE), stalling(queried({ pages: [1, 2, 5], chunkBytes: PAGE }), 100));
    const bare = syncServerTransport({ url, fetch: fetchFrom(host).fetch });
    const transport = withTimeout(bare, { timeoutMs: 20 });
    expect(await failureOf(pagesOfQuery(transport, held()))).toMatchObject({ code: "TIMEOUT" });
  });
});

describe("the estimate of the link", () => {
  it("is measured by the transport with its clock, and passed through what wraps it", async () => {
    let now = 0;
    const host: Host = (request) => {
      now += 40;
      return pullHost(file, PAGE, { chunkBytes: PAGE })(request);
    };
    const bare = syncServerTransport({ url, fetch: fetchFrom(host).fetch, now: () => (now += 0.5) });
    const transport = withRetry(withTimeout(bare));
    expect(transport.linkEstimate?.()).toBeUndefined();
    const { pages } = await transport.open({ bootstrap: { kind: "full" } });
    await collect(pages);
    expect(transport.linkEstimate?.()?.roundTripMs).toBeCloseTo(40.5, 5);
    expect(transport.linkEstimate?.()?.bytesPerSecond).toBeGreaterThan(1_000_000);
  });
});
