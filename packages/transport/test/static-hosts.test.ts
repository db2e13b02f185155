import { readFileSync } from "node:fs";
import type { PageEntry } from "@lacuna/page";
import {
  acrossOrigins,
  answeringFromCache,
  type CrossOriginRules,
  fetchFrom,
  type Host,
  type HostFetch,
  ignoringRanges,
  signedLinks,
  slowHead,
  staticHost,
  weakEtag,
  withHeaders,
  withoutLength,
} from "@lacuna/testkit";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { type HttpRangeOptions, httpRangeTransport } from "../src/http-range/index.ts";
import { withRetry } from "../src/index.ts";
import { collect, failureOf, openAll, pages, revisionOf } from "./collect.ts";
import { makeDatabase } from "./make-database.ts";

const url = "https://host.example/made.db";
const file = makeDatabase();
const dated = { etag: null, lastModified: "Sun, 01 Nov 2026 10:00:00 GMT" };
const PAGE = 4096;

type Remote = HostFetch & { readonly transport: ReturnType<typeof httpRangeTransport> };

const remoteOf = (host: Host, options: Partial<HttpRangeOptions> = {}): Remote => {
  const through = fetchFrom(host);
  return { ...through, transport: httpRangeTransport({ url, fetch: through.fetch, ...options }) };
};

/** Opens, then reads pages 2 and 20, and compares every byte. */
async function reads({ transport }: Remote): Promise<void> {
  const revision = await revisionOf(transport);
  const entries = await collect(transport.fetchPages({ revision, pages: pages(2, 20), urgency: "demand" }));
  expect(entries.map(({ page }) => page).sort((a, b) => a - b)).toEqual([2, 20]);
  for (const { page, bytes } of entries)
    expect(Buffer.compare(bytes, file.subarray((page - 1) * PAGE, page * PAGE))).toBe(0);
}

describe("a static host", () => {
  it("that answers HEAD slowly, or never, is read: it is never asked so", async () => {
    const remote = remoteOf(slowHead(staticHost(file)));
    await reads(remote);
    expect(remote.requests.filter(({ method }) => method !== "GET")).toEqual([]);
  });

  it("that sends no Content-Length is read by ranges, and refused where it sends the whole file", async () => {
    await reads(remoteOf(withoutLength(staticHost(file))));
    const whole = remoteOf(withoutLength(ignoringRanges(staticHost(file))));
    const opening = whole.transport.open({ bootstrap: { kind: "full" } });
    await expect(opening).rejects.toMatchObject({ code: "PROTOCOL" });
    expect(whole.openAnswers()).toBe(0);
  });

  it.each<[string, Host]>([
    ["a weak ETag", weakEtag(staticHost(file))],
    ["a tag without quotes", weakEtag(staticHost(file), "made-1")],
    ["a date alone", staticHost(file, dated)],
    ["no validator at all", staticHost(file, { etag: null })],
  ])("is read with %s", async (_, host) => {
    await reads(remoteOf(host));
  });

  it("that keeps its date and length when it replaces the file is found out by the change counter at opening", async () => {
    const before = await revisionOf(remoteOf(staticHost(file, dated)).transport);
    const written = file.slice();
    written.set([0, 0, 9, 9], 24);
    written.set([0, 0, 9, 9], 92);
    expect(await revisionOf(remoteOf(staticHost(written, dated)).transport)).not.toBe(before);
  });

  it("that sends a date of the same second is read with the change counter, for another state may have that date", async () => {
    const second = "Sun, 01 Nov 2026 10:00:00 GMT";
    const now = (bytes: Uint8Array, date = second): Host =>
      withHeaders(staticHost(bytes, { etag: null, lastModified: second }), { date });
    const written = file.slice();
    written.set([0, 0, 9, 9], 24);
    written.set([0, 0, 9, 9], 92);
    let host = now(file);
    const remote = remoteOf((request) => host(request));
    const revision = await revisionOf(remote.transport);
    const fetching = { revision, pages: pages(2), urgency: "demand" } as const;
    host = now(file, "Sun, 01 Nov 2026 11:00:00 GMT");
    expect(await collect(remote.transport.fetchPages(fetching))).toHaveLength(1);
    host = now(written);
    const came: PageEntry[] = [];
    const reading = collect(remote.transport.fetchPages(fetching), came);
    await expect(reading).rejects.toMatchObject({ code: "REVISION_CHANGED" });
    expect(came).toEqual([]);
  });

  it("whose signed URLs expire refuses with 403, once, and is read on with the next URL", async () => {
    let good = "monday";
    let where = `${url}?signature=monday`;
    const host = fetchFrom(signedLinks(staticHost(file), (signature) => signature === good));
    const transport = withRetry(httpRangeTransport({ url: () => where, fetch: host.fetch }));
    const revision = await revisionOf(transport);
    const fetching = { revision, pages: pages(2), urgency: "demand" } as const;
    good = "tuesday";
    const failure = await failureOf(collect(transport.fetchPages(fetching)));
    expect(failure).toMatchObject({ code: "UNAUTHORIZED", status: 403, url });
    expect(String(failure)).not.toContain("monday");
    expect(host.requests).toHaveLength(2);
    where = `${url}?signature=tuesday`;
    expect(await collect(transport.fetchPages(fetching))).toHaveLength(1);
  });

  it("behind a cache that looks at the URL alone is refused from the headers", async () => {
    const ranged = remoteOf(answeringFromCache(staticHost(file)));
    const revision = await revisionOf(ranged.transport);
    const fetching = { revision, pages: pages(2), urgency: "demand" } as const;
    await expect(collect(ranged.transport.fetchPages(fetching))).rejects.toMatchObject({
      code: "RANGE_UNSUPPORTED",
    });
    const whole = remoteOf(answeringFromCache(ignoringRanges(staticHost(file))));
    await expect(whole.transport.open()).rejects.toMatchObject({ code: "RANGE_UNSUPPORTED" });
    expect(await openAll(whole.transport, { kind: "full" })).toHaveLength(file.length / PAGE);
  });
});

describe("a static host of another origin, in a browser", () => {
  const from = (rules: CrossOriginRules, host = staticHost(file), options = {}): Remote => {
    vi.stubGlobal("document", {});
    onTestFinished(() => void vi.unstubAllGlobals());
    return remoteOf(acrossOrigins(host, rules), options);
  };
  const both = ["Content-Range", "ETag"];

  it("is read without asking for permission where it exposes Content-Range and ETag", async () => {
    await reads(from({ exposeHeaders: both }));
  });

  it("is read without ETag by its date, length and change counter", async () => {
    const host = staticHost(file, { lastModified: dated.lastModified });
    const { transport } = from({ exposeHeaders: ["Content-Range"] }, host);
    expect(await revisionOf(transport)).toMatch(/^modified=.*&counter=\d+&length=/);
    await reads(from({ exposeHeaders: ["Content-Range"] }, host));
  });

  it("that does not expose Content-Range breaks the protocol, and is told what to allow", async () => {
    await expect(from({}).transport.open()).rejects.toMatchObject({
      code: "PROTOCOL",
      message: expect.stringContaining("Access-Control-Expose-Headers: Content-Range, ETag"),
    });
  });

  it("has to permit Authorization for a token, and other headers by name", async () => {
    const token = { authToken: "t" };
    const refused = from({ exposeHeaders: both }, staticHost(file), token);
    await expect(refused.transport.open()).rejects.toMatchObject({ code: "NETWORK" });
    await reads(from({ exposeHeaders: both, allowHeaders: ["authorization"] }, staticHost(file), token));
    const named = from({ exposeHeaders: both, allowHeaders: ["authorization"] }, staticHost(file), {
      headers: { "x-team": "7" },
    });
    await expect(named.transport.open()).rejects.toMatchObject({ code: "NETWORK" });
  });

  it("is not asked for a condition, which would need permission, and notices a file that is replaced", async () => {
    let now = file;
    const remote = from({ exposeHeaders: both }, (request) => staticHost(now)(request));
    const revision = await revisionOf(remote.transport);
    now = makeDatabase({ seed: 2 });
    const fetching = remote.transport.fetchPages({ revision, pages: pages(2), urgency: "demand" });
    await expect(collect(fetching)).rejects.toMatchObject({ code: "REVISION_CHANGED" });
    expect(remote.requests.some(({ headers }) => headers.has("if-match"))).toBe(false);
  });
});

describe("static-hosts.md", () => {
  const document = new URL("../static-hosts.md", import.meta.url);
  const rows = readFileSync(document, "utf8")
    .split("\n")
    .filter((line) => line.startsWith("| ") && !/^\| (A host|---)/.test(line));
  const testsOf = (row: string) =>
    [...(row.split("|").at(-2) ?? "").matchAll(/\[([^\]]+)\]\(([^)]+)\)/g)].map(
      ([, title = "", path = ""]) => ({
        title,
        source: readFileSync(new URL(path, document), "utf8"),
      }),
    );

  it("has a test for every row, under the name that the row has", () => {
    expect(rows.length).toBeGreaterThan(25);
    for (const row of rows) {
      const tests = testsOf(row);
      expect(tests.length, row).toBeGreaterThan(0);
      for (const { title, source } of tests) expect(source, row).toContain(title);
    }
  });

  it("names no error that the tests of the row do not know", () => {
    for (const row of rows) {
      const codes = [...row.matchAll(/`([A-Z][A-Z_]{3,})`/g)].map(([, code = ""]) => code);
      const sources = testsOf(row).map(({ source }) => source);
      for (const code of codes) expect(sources.join(), row).toContain(code);
    }
  });
});
