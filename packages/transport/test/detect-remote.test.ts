import {
  answering,
  fetchFrom,
  type Host,
  ignoringRanges,
  inTurn,
  ManualTimers,
  silent,
  stalling,
  staticHost,
  unreachable,
  webPage,
} from "@lacuna/testkit";
import { describe, expect, it } from "vitest";
import { detectRemote } from "../src/index.ts";
import { failureOf } from "./collect.ts";
import { makeDatabase } from "./make-database.ts";
import { directoryHost, publish } from "./published-host.ts";
import { pullHost } from "./pull-host.ts";

const file = makeDatabase();
const server = pullHost(file, 4096);
const posts: Host = (request) => (request.method === "POST" ? server(request) : answering(404)(request));

describe("detectRemote", () => {
  it.each(["db", "sqlite", "sqlite3", "db3", "gpkg", "mbtiles", "dict", "DB"])(
    "finds a file named .%s with one request",
    async (ending) => {
      const { fetch, requests, openAnswers } = fetchFrom(staticHost(file));
      expect(await detectRemote(`https://h.example/made.${ending}?v=1`, { fetch })).toBe("static");
      expect(requests.map(({ method }) => method)).toEqual(["GET"]);
      expect(openAnswers()).toBe(0);
    },
  );

  it("finds a sync server with one request", async () => {
    const { fetch, requests, openAnswers } = fetchFrom(posts);
    expect(await detectRemote("https://h.example/base/", { fetch })).toBe("sync-server");
    expect(requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
      "POST https://h.example/base/pull-updates",
    ]);
    expect(openAnswers()).toBe(0);
  });

  it.each(["libsql://h.example", "turso://h.example/made.db"])(
    "takes %s for a sync server unasked",
    async (url) => {
      const { fetch, requests } = fetchFrom(unreachable());
      expect(await detectRemote(url, { fetch })).toBe("sync-server");
      expect(requests).toEqual([]);
    },
  );

  it("finds out with a second request when the look of the URL misleads", async () => {
    const misnamed = fetchFrom(posts);
    expect(await detectRemote("https://h.example/made.db", misnamed)).toBe("sync-server");
    expect(misnamed.requests).toHaveLength(2);
    const unnamed = fetchFrom(staticHost(file));
    expect(await detectRemote("https://h.example/download/42", unnamed)).toBe("static");
    expect(unnamed.requests).toHaveLength(2);
  });

  it("takes a host that ignores ranges for static, without downloading the file", async () => {
    const big = new Uint8Array(3_000_000);
    big.set(file);
    const { fetch, requests } = fetchFrom(ignoringRanges(staticHost(big)));
    expect(await detectRemote("https://h.example/made.db", { fetch })).toBe("static");
    expect(requests[0]?.state).toBe("cancelled");
    expect(requests[0]?.receivedBytes).toBeLessThan(100_000);
  });

  it("finds a published directory, by its manifest's name unasked", async () => {
    const files = await publish(file);
    const { fetch, requests, openAnswers } = fetchFrom(directoryHost(() => files));
    expect(await detectRemote("https://h.example/made/manifest.lacuna?sig=1", { fetch })).toBe("published");
    expect(requests).toEqual([]);
    for (const url of ["https://h.example/made", "https://h.example/made/"]) {
      expect(await detectRemote(url, { fetch })).toBe("published");
    }
    expect(requests.map(({ method, url }) => `${method} ${new URL(url).pathname}`).slice(3)).toEqual([
      "POST /made/pull-updates",
      "GET /made/",
      "GET /made/manifest.lacuna",
    ]);
    expect(openAnswers()).toBe(0);
  });

  it("says what all ways found when it is none", async () => {
    const { fetch, openAnswers } = fetchFrom((request) =>
      request.method === "POST" ? answering(405)(request) : webPage()(request),
    );
    const failure = await failureOf(detectRemote("https://h.example/app?key=secret", { fetch }));
    expect(failure).toMatchObject({ code: "NOT_A_DATABASE" });
    expect(String(failure)).toMatch(/sync-server.*405.*static.*text\/html.*published.*text\/html/);
    expect(String(failure)).not.toContain("secret");
    expect(openAnswers()).toBe(0);
  });

  it.each<[string, Host, string]>([
    ["cannot be reached", unreachable(), "NETWORK"],
    ["wants a token", answering(401), "UNAUTHORIZED"],
    ["fails for now", answering(503), "HTTP_STATUS"],
    ["wants a token for one of the ways", inTurn(answering(404), answering(401)), "UNAUTHORIZED"],
    ["fails for now in one of the ways", inTurn(answering(503), answering(404)), "HTTP_STATUS"],
  ])("does not call it no database when the host %s", async (_, host, code) => {
    const { fetch } = fetchFrom(host);
    await expect(detectRemote("https://h.example/made.db", { fetch })).rejects.toMatchObject({ code });
  });

  it("sends the token", async () => {
    const { fetch, requests } = fetchFrom(posts);
    await detectRemote("https://h.example", { fetch, authToken: "t1" });
    expect(requests[0]?.headers.get("authorization")).toBe("Bearer t1");
  });

  it.each<[string, Host]>([
    ["before the headers", silent()],
    ["in the body", stalling(staticHost(file), 3)],
  ])("ends with TIMEOUT when the host hangs %s", async (_, host) => {
    const timers = new ManualTimers();
    const { fetch, requests, openAnswers } = fetchFrom(host);
    const asking = failureOf(detectRemote("https://h.example/made.db", { fetch, timers, timeoutMs: 1000 }));
    while (requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
    timers.advance(1000);
    expect(await asking).toMatchObject({ code: "TIMEOUT" });
    expect(openAnswers()).toBe(0);
    expect(timers.pending).toBe(0);
  });

  it("sets no timer that would overflow and end it at once", async () => {
    const timers = new ManualTimers();
    const reason = new Error("the reader left");
    const controller = new AbortController();
    const options = { timers, timeoutMs: 2 ** 31, signal: controller.signal };
    const asking = failureOf(
      detectRemote("https://h.example/made.db", { ...options, ...fetchFrom(silent()) }),
    );
    expect(timers.pending).toBe(0);
    controller.abort(reason);
    expect(await asking).toBe(reason);
  });

  it("ends with the reason when it is aborted", async () => {
    const reason = new Error("the reader left");
    const { fetch } = fetchFrom(silent());
    const signal = AbortSignal.abort(reason);
    await expect(detectRemote("https://h.example", { fetch, signal })).rejects.toBe(reason);
  });

  it.each(["made.db", "file:///made.db", "ws://h.example"])("refuses %s", async (url) => {
    await expect(detectRemote(url)).rejects.toMatchObject({ code: "INVALID_OPTION" });
  });
});
