import { type DatabaseShape, type DifferenceRequest, isSyncTransport, pageNo, revision } from "@lacuna/page";
import {
  answering,
  breaking,
  fetchFrom,
  type Host,
  inTurn,
  ManualTimers,
  unreachable,
} from "@lacuna/testkit";
import { describe, expect, it } from "vitest";
import { withReadRetry, withReadTimeout, withRetry, withTimeout } from "../src/index.ts";
import { syncServerPages, syncServerTransport } from "../src/sync-server/index.ts";
import { collect, failureOf, numbersOf } from "./collect.ts";
import { makeDatabase } from "./make-database.ts";
import { pullHost } from "./pull-host.ts";

const PAGE = 4096;
const file = makeDatabase();
const url = "https://host.example/base";
const since: DatabaseShape = { revision: revision("r0"), pageSize: PAGE, pageCount: file.length / PAGE };
const held = [{ first: pageNo(2), last: pageNo(3) }];

const remoteOf = (host: Host, headers?: Record<string, string>) => {
  const through = fetchFrom(host);
  return { ...through, transport: syncServerTransport({ url, fetch: through.fetch, headers }) };
};
const quick = { baseDelayMs: 0, sleep: async () => {} };
const ROWS = { cols: [{ name: "n", decltype: "INT" }], rows: [[{ type: "integer", value: "7" }]] };
const RESULT = { ...ROWS, affected_row_count: 0, last_insert_rowid: "9007199254740993" };
const json = (body: unknown, status = 200): Host => answering(status, JSON.stringify(body));
const executed = (result: unknown = RESULT): Host =>
  json({ baton: null, results: [{ type: "ok", response: { type: "execute", result } }] });
const statement = { type: "execute", statement: { sql: "SELECT ?", args: [7n, null, 1.5, "x"] } } as const;

describe("what changed", () => {
  it("is asked for with the revision, the pages held and the time to wait, and comes with the new shape", async () => {
    const host = pullHost(file, PAGE, { revision: "r1", pages: [3] });
    const { transport } = remoteOf(host);
    const { shape, pages } = await transport.pull({ since, held, longPollMs: 1500 });
    expect(await numbersOf(pages)).toEqual([3]);
    expect(shape).toEqual({ ...since, revision: "r1" });
    expect(host.asked).toMatchObject([
      { clientRevision: "r0", serverRevision: "", longPollMs: 1500, pages: [{ first: 1, last: 2 }] },
    ]);
  });

  it("is asked for without a selection once the server has shown that it does not know any", async () => {
    const host = pullHost(file, PAGE, { pages: [] });
    const { transport } = remoteOf(host);
    for (let i = 0; i < 2; i++) await collect((await transport.pull({ since, held })).pages);
    expect(host.asked.map(({ pages }) => pages !== undefined)).toEqual([true, false]);
  });

  it("is asked for without a selection by a complete replica", async () => {
    const host = pullHost(file, PAGE, { pages: [] });
    await collect((await remoteOf(host).transport.pull({ since })).pages);
    expect(host.asked[0]?.pages).toBeUndefined();
  });

  it("must bring a complete replica the pages that are new", async () => {
    const { transport } = remoteOf(pullHost(file, PAGE, { pages: [2] }));
    const { pages } = await transport.pull({ since: { ...since, pageCount: since.pageCount - 1 } });
    expect(await failureOf(collect(pages))).toMatchObject({ code: "SHORT_READ", page: since.pageCount });
  });

  it("is asked for again when the answer breaks off, and each page comes once", async () => {
    const whole = pullHost(file, PAGE, { revision: "r1", pages: [2, 3] });
    const { transport, requests } = remoteOf(inTurn(breaking(whole, PAGE + 100), whole));
    const { pages } = await withRetry(transport, quick).pull({ since, held });
    expect(await numbersOf(pages)).toEqual([2, 3]);
    expect(requests).toHaveLength(2);
  });

  it("is not put together from two revisions", async () => {
    const first = pullHost(file, PAGE, { revision: "r1", pages: [2, 3] });
    const second = pullHost(file, PAGE, { revision: "r2", pages: [2, 3] });
    const { transport } = remoteOf(inTurn(breaking(first, PAGE + 100), second));
    const { pages } = await withRetry(transport, quick).pull({ since, held });
    expect(await failureOf(collect(pages))).toMatchObject({ code: "REVISION_CHANGED" });
  });

  it("may take as long as the remote was asked to wait, and the time-out on top", async () => {
    const timers = new ManualTimers();
    const { fetch } = fetchFrom(() => new Promise<Response>(() => {}));
    const transport = withTimeout(syncServerTransport({ url, fetch }), { timeoutMs: 100, timers });
    const request: DifferenceRequest = { since, held, longPollMs: 1000 };
    const pulling = failureOf(transport.pull(request));
    timers.advance(1099);
    timers.advance(1);
    expect(await pulling).toMatchObject({ code: "TIMEOUT", message: expect.stringContaining("1100 ms") });
  });
});

describe("SQL at the remote", () => {
  it("is sent as the protocol has it, with the headers of an encrypted database", async () => {
    let body: unknown;
    const host: Host = async (request) => {
      body = await request.clone().json();
      return executed()(request);
    };
    const { transport, requests } = remoteOf(host, { "x-turso-encryption-key": "a2V5" });
    const { results } = await transport.execute({ requests: [statement] });
    expect(requests[0]?.url).toBe("https://host.example/base/v2/pipeline");
    expect(requests[0]?.headers.get("x-turso-encryption-key")).toBe("a2V5");
    expect(body).toEqual({
      baton: null,
      requests: [
        {
          type: "execute",
          stmt: {
            sql: "SELECT ?",
            args: [
              { type: "integer", value: "7" },
              { type: "null" },
              { type: "float", value: 1.5 },
              { type: "text", value: "x" },
            ],
            want_rows: false,
          },
        },
      ],
    });
    expect(results).toEqual([
      {
        type: "execute",
        result: {
          columns: [{ name: "n", declaredType: "INT" }],
          rows: [[7n]],
          affectedRows: 0,
          lastInsertRowid: 9007199254740993n,
        },
      },
    ]);
  });

  it("tells of each step whether it was run, was refused or was skipped", async () => {
    const error = { message: "UNIQUE constraint failed: t.v", code: "SQLITE_CONSTRAINT" };
    const result = { step_results: [RESULT, null, null], step_errors: [null, error, null] };
    const { transport } = remoteOf(json({ results: [{ type: "ok", response: { type: "batch", result } }] }));
    const steps = [{ sql: "A" }, { sql: "B" }, { sql: "C", condition: { type: "ok", step: 1 } }] as const;
    const answer = await transport.execute({ requests: [{ type: "batch", steps }] });
    expect(answer.results[0]).toMatchObject({
      type: "batch",
      steps: [{ ok: { rows: [[7n]] } }, { error }, undefined],
    });
  });

  it.each([
    ["no JSON", answering(200, "<html"), "PROTOCOL"],
    ["no results", json({}), "PROTOCOL"],
    ["too few results", json({ results: [] }), "PROTOCOL"],
    [
      "a result of another kind",
      json({ results: [{ type: "ok", response: { type: "close" } }] }),
      "PROTOCOL",
    ],
    ["rows of another width", executed({ ...RESULT, rows: [[]] }), "PROTOCOL"],
    ["an integer that is none", executed({ ...RESULT, last_insert_rowid: "x" }), "PROTOCOL"],
    ["a web page", answering(200, "<html>", { "content-type": "text/html" }), "NOT_A_DATABASE"],
    ["no such address", answering(404, "Not Found"), "NOT_SUPPORTED"],
    ["a refusal", answering(401, ""), "UNAUTHORIZED"],
    ["a failure", answering(503, "busy"), "HTTP_STATUS"],
    ["no answer", unreachable(), "NETWORK"],
  ])("ends as a typed error when the answer is %s", async (_, host, code) => {
    const { transport } = remoteOf(host);
    expect(await failureOf(transport.execute({ requests: [statement] }))).toMatchObject({ code });
  });

  it("is sent again only where it was said to be repeatable", async () => {
    const once = remoteOf(inTurn(answering(503, ""), executed()));
    expect(
      await failureOf(withRetry(once.transport, quick).execute({ requests: [statement] })),
    ).toMatchObject({
      code: "HTTP_STATUS",
    });
    expect(once.requests).toHaveLength(1);
    const twice = remoteOf(inTurn(answering(503, ""), executed()));
    await withRetry(twice.transport, quick).execute({ requests: [statement] }, { repeatable: true });
    expect(twice.requests).toHaveLength(2);
  });

  it("is offered by wrapped transports where what they wrap offers it", () => {
    const { transport } = remoteOf(executed());
    expect(isSyncTransport(withRetry(withTimeout(transport)))).toBe(true);
  });

  it("is left out by what is for reading only, which reads as patiently", async () => {
    const { transport } = remoteOf(executed());
    expect(isSyncTransport(withReadRetry(transport))).toBe(false);
    expect(isSyncTransport(withReadTimeout(transport))).toBe(false);
    const { fetch, requests } = fetchFrom(inTurn(answering(503, ""), pullHost(file, PAGE)));
    const reading = withReadRetry(withReadTimeout(syncServerPages({ url, fetch })), quick);
    expect((await reading.open()).shape.pageCount).toBe(since.pageCount);
    expect(requests).toHaveLength(2);
    await reading.close();
  });
});
