import type { PageEntry, Revision } from "@lacuna/page";
import {
  answering,
  breaking,
  cutting,
  dripping,
  fetchFrom,
  type Host,
  type HostFetch,
  padding,
  silent,
  staticHost,
  unreachable,
  withHeaders,
} from "@lacuna/testkit";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { type HttpRangeOptions, httpRangeTransport } from "../src/http-range/index.ts";
import { withRetry, withTimeout } from "../src/index.ts";
import { collect, countingOpen, failureOf, pages, revisionOf } from "./collect.ts";
import { makeDatabase } from "./make-database.ts";

const url = "https://host.example/made.db";
const file = makeDatabase();
const PAGE = 4096;
const honest = staticHost(file, { severalRanges: true });
const singleOnly = staticHost(file);

type Remote = HostFetch & { readonly transport: ReturnType<typeof httpRangeTransport> };

/** Pages are never so near that one range for both would do. */
const remoteOf = (host: Host, options: Partial<HttpRangeOptions> = {}): Remote => {
  const through = fetchFrom(host);
  return {
    ...through,
    transport: httpRangeTransport({ url, fetch: through.fetch, gapBytes: 0, ...options }),
  };
};

const asks = (request: { readonly headers: Headers }): boolean =>
  request.headers.get("range")?.includes(",") === true;

/** Answers requests for several ranges in one way, and all others in another. */
const forSeveral =
  (several: Host, others: Host = honest): Host =>
  (request) =>
    (asks(request) ? several : others)(request);

const listOf = (revision: Revision, ...numbers: number[]) => ({
  revision,
  pages: pages(...numbers),
  urgency: "demand" as const,
});

/** Fetches pages, and sees to it that each came once and with the bytes of the file. @returns their order */
async function read({ transport }: Pick<Remote, "transport">, revision: Revision, ...numbers: number[]) {
  const entries = await collect(transport.fetchPages(listOf(revision, ...numbers)));
  expectBytes(entries);
  expect(entries.map(({ page }) => page).sort((a, b) => a - b)).toEqual(numbers.toSorted((a, b) => a - b));
  return entries.map(({ page }) => page);
}

function expectBytes(entries: readonly PageEntry[]): void {
  for (const { page, bytes } of entries)
    expect(Buffer.compare(bytes, file.subarray((page - 1) * PAGE, page * PAGE))).toBe(0);
}

/** What was asked for since, as pages. */
const askedFor = ({ requests }: Remote, since = 1): string[] =>
  requests.slice(since).map(({ headers }) =>
    [...(headers.get("range") ?? "").matchAll(/(\d+)-(\d+)/g)]
      .map(([, from, to]) => {
        const [first, last] = [Number(from) / PAGE + 1, (Number(to) + 1) / PAGE];
        return first === last ? `${first}` : `${first}-${last}`;
      })
      .join(" "),
  );

describe("a host that answers several ranges", () => {
  it("is asked for them in one request, once it has shown that", async () => {
    const remote = remoteOf(honest);
    const revision = await revisionOf(remote.transport);
    await read(remote, revision, 20, 5, 9, 10, 14);
    await read(remote, revision, 21, 6, 11, 12, 15);
    await read(remote, revision, 8);
    expect(askedFor(remote)).toEqual(["20", "5 9-10 14", "21 6 11-12 15", "8"]);
  });

  it("is asked for a page a second time where the first list is of two", async () => {
    const remote = remoteOf(honest);
    const revision = await revisionOf(remote.transport);
    await read(remote, revision, 20, 5);
    await read(remote, revision, 21, 6);
    expect(askedFor(remote)).toEqual(["20", "5 20", "21 6"]);
  });

  it("sends the page that somebody waits for first", async () => {
    const remote = remoteOf(honest);
    const revision = await revisionOf(remote.transport);
    await read(remote, revision, 20, 5, 9);
    expect(await read(remote, revision, 15, 3, 22)).toEqual([15, 3, 22]);
  });

  it("is asked for no gaps, however near the pages are", async () => {
    const remote = remoteOf(honest, { gapBytes: "auto" });
    const revision = await revisionOf(remote.transport);
    await read(remote, revision, 2, 30);
    await read(remote, revision, 4, 28, 26);
    expect(askedFor(remote, 2).at(-1)).toBe("4 26 28");
  });

  it("is asked for what is in gaps, too, where that takes fewer requests", async () => {
    const remote = remoteOf(honest, { gapBytes: "auto", rangesPerRequest: 3 });
    const revision = await revisionOf(remote.transport);
    await read(remote, revision, 2, 30);
    await read(remote, revision, 4, 6, 8);
    await read(remote, revision, 4, 6, 8, 10);
    expect(askedFor(remote)).toEqual(["2", "30 2", "4 6 8", "4-10"]);
  });

  it("is asked for no more ranges at a time, and in no more requests at once, than it may", async () => {
    const counting = countingOpen(honest);
    const remote = remoteOf(counting.host, { rangesPerRequest: 3, maxRequests: 2 });
    const revision = await revisionOf(remote.transport);
    const all = [2, 4, 6, 8, 10, 12, 14, 16, 18, 20];
    await read(remote, revision, ...all);
    expect(askedFor(remote)).toEqual(["2", "4 6 8", "10 12 14", "16 18 20"]);
    await read(remote, revision, ...all);
    expect(askedFor(remote, 5)).toEqual(["2 4 6", "8 10 12", "14 16 18", "20"]);
    expect(counting.most()).toBe(2);
  });

  it("is never asked for several where that is switched off", async () => {
    const remote = remoteOf(honest, { rangesPerRequest: 1 });
    await read(remote, await revisionOf(remote.transport), 20, 5, 9);
    expect(askedFor(remote)).toEqual(["20", "5", "9"]);
  });

  it("is asked for one list of several until it has answered", async () => {
    let answer = (): void => {};
    const waiting = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const remote = remoteOf(forSeveral(async (request) => waiting.then(() => honest(request))));
    const revision = await revisionOf(remote.transport);
    const reading = [read(remote, revision, 20, 5, 9), read(remote, revision, 21, 6, 10)];
    while (remote.requests.length < 4) await new Promise((resolve) => setImmediate(resolve));
    expect(askedFor(remote)).toEqual(["20", "5 9", "21"]);
    answer();
    await Promise.all(reading);
    expect(askedFor(remote)).toEqual(["20", "5 9", "21", "6 10"]);
  });

  it.each<[string, (body: string) => string]>([
    ["without an empty line at the beginning", (body) => body.replace(/^\r\n/, "")],
    ["with an empty line more", (body) => `\r\n${body}`],
    ["with headers in small letters", (body) => body.replaceAll("Content-Range", "content-range")],
    ["with nothing but the range", (body) => body.replaceAll(/Content-Type: [^\r]*\r\n/g, "")],
    ["with more headers", (body) => body.replaceAll("Content-Range", "X-Cache: HIT\r\nContent-Range")],
    ["with something after the end", (body) => `${body}\r\nthe end\r\n\r\n`],
    ["with the parts in another order", (body) => reordered(body)],
  ])("is understood %s", async (_, change) => {
    const remote = remoteOf(forSeveral(rewriting(honest, change)));
    const revision = await revisionOf(remote.transport);
    await read(remote, revision, 20, 5, 9, 13);
    await read(remote, revision, 21, 6, 10);
    expect(askedFor(remote)).toEqual(["20", "5 9 13", "21 6 10"]);
  });

  it("is understood whatever pieces its answers come in", async () => {
    for (const bytes of [1, 7, 100, 4095, 4097, 20_000]) {
      const remote = remoteOf(dripping(honest, bytes));
      const revision = await revisionOf(remote.transport);
      await read(remote, revision, 20, 5, 9, 10, 13);
      await read(remote, revision, 21, 6, 11);
      expect(askedFor(remote)).toEqual(["20", "5 9-10 13", "21 6 11"]);
    }
  });

  it("that answers the first few of a list only is asked for so many from then on", async () => {
    const firstThree: Host = (request) => {
      const headers = new Headers(request.headers);
      headers.set("range", headers.get("range")?.split(",").slice(0, 3).join(",") ?? "");
      return honest(new Request(request, { headers }));
    };
    const remote = remoteOf(firstThree);
    const revision = await revisionOf(remote.transport);
    await read(remote, revision, 30, 2, 4, 6, 8, 10, 12);
    await read(remote, revision, 3, 5, 7, 9, 11);
    expect(askedFor(remote)).toEqual(["30", "2 4 6 8 10 12", "8 10 12", "3 5 7", "9 11"]);
  });

  it("that replaces the file is found out", async () => {
    let current = file;
    const remote = remoteOf(staticHost(() => current, { severalRanges: true }));
    const revision = await revisionOf(remote.transport);
    await read(remote, revision, 20, 5, 9);
    current = makeDatabase({ seed: 2 });
    const failure = await failureOf(read(remote, revision, 21, 6, 10));
    expect(failure).toMatchObject({ code: "REVISION_CHANGED" });
    expect(remote.openAnswers()).toBe(0);
  });

  it("that knows no condition and replaces the file is found out by the tag, before a page is handed out", async () => {
    let current = file;
    const remote = remoteOf((request) => {
      const headers = new Headers(request.headers);
      headers.delete("if-match");
      return staticHost(() => current, { severalRanges: true })(new Request(request, { headers }));
    });
    const revision = await revisionOf(remote.transport);
    await read(remote, revision, 20, 5, 9);
    current = makeDatabase({ seed: 2 });
    const entries: PageEntry[] = [];
    const request = listOf(revision, 21, 6, 10);
    const failure = await failureOf(collect(remote.transport.fetchPages(request), entries));
    expect(failure).toMatchObject({ code: "REVISION_CHANGED" });
    expect(entries).toEqual([]);
  });

  it("that fails now and then is asked again for what has not come, several at a time as before", async () => {
    let failing: Host = honest;
    const remote = remoteOf((request) => failing(request));
    const transport = withRetry(remote.transport, {
      sleep: async () => {
        failing = honest;
      },
    });
    const revision = await revisionOf(transport);
    await read({ transport }, revision, 20, 5, 9);
    for (const host of [answering(503), unreachable(), breaking(honest, PAGE + 500)]) {
      failing = host;
      const since = remote.requests.length;
      await read({ transport }, revision, 21, 6, 10);
      expect(remote.requests.slice(since).every(asks)).toBe(true);
      expect(remote.requests.length - since).toBe(2);
    }
  });
});

describe("a host that does not answer several ranges", () => {
  const refusing: [string, Host][] = [
    ["sends the whole file", singleOnly],
    ["sends the first range alone", firstRangeOnly(singleOnly)],
    ["refuses the header", answering(400)],
    ["forbids it", answering(403)],
    ["finds the header too long", answering(431)],
    ["sends a web page", answering(200, "<html>", { "content-type": "text/html" })],
    ["says that the range lies outside", answering(416, null, { "content-range": `bytes */${file.length}` })],
    ["fails", answering(500)],
    ["breaks the connection before", unreachable()],
    ["says it has parts, and has none", rewriting(honest, () => "")],
    ["has parts of a compressed file", withHeaders(honest, { "content-encoding": "gzip" })],
    ["leaves out two parts of three", cutting(honest, PAGE + 500)],
    ["joins ranges", rewriting(honest, (body) => body.replace(/bytes (\d+)-\d+/, "bytes $1-49151"))],
    [
      "has parts of a file of another length",
      rewriting(honest, (body) => body.replaceAll(/\/\d+/g, "/9999")),
    ],
    ["sends a part twice", rewriting(honest, (body) => body + body)],
    ["begins without end", rewriting(honest, (body) => "x".repeat(100_000) + body)],
    ["does not end", padding(honest, 100_000)],
  ];

  it.each(refusing)("because it %s is asked for one at a time, from then on", async (what, several) => {
    const remote = remoteOf(forSeveral(several));
    const revision = await revisionOf(remote.transport);
    await read(remote, revision, 20, 5, 9, 13);
    expect(remote.requests.filter(asks)).toHaveLength(1);
    await read(remote, revision, 21, 6, 10);
    expect(remote.requests.filter(asks)).toHaveLength(1);
    expect(remote.openAnswers()).toBe(0);
    // The file, the first page, the trial, what that left out, and three more.
    const left =
      what === "leaves out two parts of three"
        ? 2
        : ["sends a part twice", "does not end"].includes(what)
          ? 0
          : 3;
    expect(remote.requests).toHaveLength(1 + 1 + 1 + left + 3);
  });

  // From a host that has answered several, these are what they are from any other.
  const failing = ["fails", "breaks the connection before", "says that the range lies outside"];
  const changing = refusing.filter(([what]) => !failing.includes(what));

  it.each(changing)("any more because it %s is asked for one at a time", async (_, several) => {
    let isChanged = false;
    const remote = remoteOf(forSeveral((request) => (isChanged ? several : honest)(request)));
    const revision = await revisionOf(remote.transport);
    await read(remote, revision, 20, 5, 9);
    isChanged = true;
    await read(remote, revision, 21, 6, 10);
    await read(remote, revision, 21, 6, 10);
    expect(remote.requests.filter(asks)).toHaveLength(2);
    expect(remote.openAnswers()).toBe(0);
  });

  it.each(["AmazonS3", "AliyunOSS", "MinIO", "UploadServer", "Windows-Azure-Blob/1.0 Microsoft-HTTPAPI/2.0"])(
    "because it is %s is not even asked for several",
    async (server) => {
      const remote = remoteOf(withHeaders(singleOnly, { server }));
      await read(remote, await revisionOf(remote.transport), 20, 5, 9);
      expect(askedFor(remote)).toEqual(["20", "5", "9"]);
    },
  );

  it("sends no whole file because of that", async () => {
    const big = new Uint8Array(3_000_000);
    big.set(file);
    const remote = remoteOf(staticHost(big));
    const revision = await revisionOf(remote.transport);
    await read(remote, revision, 20, 5, 9);
    const trial = remote.requests.find(asks);
    expect(trial?.state).toBe("cancelled");
    expect(trial?.receivedBytes).toBeLessThan(40_000);
  });

  it("still brings the pages between, each once, when the request takes others", async () => {
    const remote = remoteOf(singleOnly, { gapBytes: 2 * PAGE });
    const request = { ...listOf(await revisionOf(remote.transport), 20, 10, 5, 7), takesOthers: true };
    const entries = await collect(remote.transport.fetchPages(request));
    expectBytes(entries);
    expect(entries.map(({ page }) => page).sort((a, b) => a - b)).toEqual([5, 6, 7, 8, 9, 10, 20]);
  });

  it("because it falls silent does so once: each page comes in the end", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const remote = remoteOf(forSeveral(silent()));
    const transport = withRetry(withTimeout(remote.transport, { timeoutMs: 1000 }), {
      sleep: async () => {},
    });
    const revision = await revisionOf(transport);
    const reading = read({ transport }, revision, 20, 5, 9, 13);
    while (remote.requests.filter(asks).length < 1) await new Promise((resolve) => setImmediate(resolve));
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    await vi.advanceTimersByTimeAsync(1000);
    await reading;
    expect(remote.requests.filter(asks)).toHaveLength(1);
  });

  it("is not known by a list that was given up, so the next one shows it", async () => {
    const remote = remoteOf(forSeveral(silent()));
    const revision = await revisionOf(remote.transport);
    const controller = new AbortController();
    const { signal } = controller;
    const reading = collect(remote.transport.fetchPages(listOf(revision, 20, 5, 9), { signal }));
    while (remote.requests.filter(asks).length < 1) await new Promise((resolve) => setImmediate(resolve));
    controller.abort(new Error("the reader left"));
    await expect(reading).rejects.toThrow("the reader left");
    const other = collect(remote.transport.fetchPages(listOf(revision, 21, 6, 10)));
    while (remote.requests.filter(asks).length < 2) await new Promise((resolve) => setImmediate(resolve));
    await remote.transport.close();
    await expect(other).rejects.toMatchObject({ code: "CLOSED" });
    expect(remote.openAnswers()).toBe(0);
  });

  it("gives right pages or none, whatever is wrong with a byte of its parts", async () => {
    let seed = 20_261_122;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return Math.floor((seed / 2 ** 32) * below);
    };
    for (let round = 0; round < 300; round++) {
      const broken = rewriting(honest, (body) => {
        const heads = [...body.matchAll(/\r\n--[\s\S]*?\r\n\r\n/g)];
        const { index = 0, 0: head = "" } = heads[random(heads.length)] ?? {};
        const at = index + random(head.length);
        return body.slice(0, at) + String.fromCharCode(random(128)) + body.slice(at + random(3));
      });
      const remote = remoteOf(forSeveral(broken));
      const revision = await revisionOf(remote.transport);
      await read(remote, revision, 20, 5, 9, 13);
    }
  });
});

describe("in a browser", () => {
  const browse = (origin: string): void => {
    vi.stubGlobal("document", {});
    vi.stubGlobal("location", { origin });
    onTestFinished(() => void vi.unstubAllGlobals());
  };

  it("a host of another origin is not asked for several ranges, which would need permission", async () => {
    browse("https://page.example");
    const remote = remoteOf(honest);
    await read(remote, await revisionOf(remote.transport), 20, 5, 9);
    expect(askedFor(remote)).toEqual(["20", "5", "9"]);
  });

  it("the host of the page itself is asked for several", async () => {
    browse("https://host.example");
    const remote = remoteOf(honest);
    await read(remote, await revisionOf(remote.transport), 20, 5, 9);
    expect(askedFor(remote)).toEqual(["20", "5 9"]);
  });
});

/** The same answers with another body, character by byte. */
function rewriting(host: Host, change: (body: string) => string): Host {
  return async (request) => {
    const response = await host(request);
    const body = change(Buffer.from(await response.arrayBuffer()).toString("latin1"));
    const headers = new Headers(response.headers);
    headers.delete("content-length");
    return new Response(Buffer.from(body, "latin1"), { status: response.status, headers });
  };
}

/** Answers several ranges with the first of them, as some stores do. */
function firstRangeOnly(host: Host): Host {
  return (request) => {
    const headers = new Headers(request.headers);
    headers.set("range", headers.get("range")?.split(",")[0] ?? "");
    return host(new Request(request, { headers }));
  };
}

function reordered(body: string): string {
  const [, ...parts] = body.split("\r\n--made-up-boundary");
  const end = parts.pop();
  return ["", ...parts.reverse(), end].join("\r\n--made-up-boundary");
}
