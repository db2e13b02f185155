import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pageIndex } from "@lacuna/page";
import { encodePullRequest } from "@lacuna/protocol";
import { describe, expect, it } from "vitest";
import { handlerAsFetch, type SyncHandlerOptions, syncHandler } from "../src/index.ts";
import {
  decodePull,
  generationOf,
  makeDatabase,
  postPull,
  pull,
  serve,
  temporaryDirectory,
} from "./database-fixture.ts";

type Overrides = Partial<Omit<SyncHandlerOptions, "database">>;

async function serverOf(path: string, options: Overrides = {}): Promise<typeof fetch> {
  return handlerAsFetch(syncHandler({ database: await serve(path), ...options }));
}

async function refusal(response: Response): Promise<string> {
  const body: unknown = await response.json();
  expect(body).toEqual({ code: expect.any(String), message: expect.any(String) });
  expect(response.headers.get("access-control-allow-origin")).toBe("*");
  return `${response.status} ${(body as { code: string }).code}`;
}

function emptyFile(): string {
  const path = join(temporaryDirectory(), "empty.db");
  writeFileSync(path, "");
  return path;
}

const indexes = (first: number, last = first) => ({ first: pageIndex(first), last: pageIndex(last) });

describe.each(["delete", "wal"] as const)("pulling from a database in journal mode %s", (journal) => {
  it("brings every page for an empty body, and the header says which revision they are of", async () => {
    const { path, commit } = makeDatabase({ journal });
    commit(1);
    const { header, pages, file } = await pull(await serverOf(path));
    expect(header.protocol).toBe("pages");
    expect(header.serverRevision).not.toBe("");
    expect(pages.map((page) => page.index)).toEqual(Array.from({ length: header.pageCount }, (_, i) => i));
    expect(generationOf(file)).toBe(1);
  });

  it("brings the pages of the selector that exist, each once", async () => {
    const { path } = makeDatabase({ journal });
    const server = await serverOf(path);
    const { pages: all, header } = await pull(server);
    const last = header.pageCount - 1;
    const wanted = [indexes(0, 2), indexes(7), indexes(last - 1, last + 500), indexes(1_000_000)];
    const { pages, header: same } = await pull(server, {
      serverRevision: header.serverRevision,
      pages: wanted,
    });
    expect(same).toEqual(header);
    expect(pages.map((page) => page.index)).toEqual([0, 1, 2, 7, last - 1, last]);
    for (const page of pages) expect(page).toEqual(all[page.index]);
  });

  it("brings the pages that are named first before the others", async () => {
    const { path } = makeDatabase({ journal });
    const server = await serverOf(path);
    const { pages: all, header } = await pull(server);
    const firstPages = [12, 5, 99_999, 2].map(pageIndex);
    const { pages } = await pull(server, { pages: [indexes(1, 7), indexes(12)], firstPages });
    expect(pages.map((page) => page.index)).toEqual([12, 5, 2, 1, 3, 4, 6, 7]);
    for (const page of pages) expect(page).toEqual(all[page.index]);
    const whole = await pull(server, { firstPages: [pageIndex(9)] });
    expect(whole.pages[0]?.index).toBe(9);
    expect(whole.pages.length).toBe(header.pageCount);
  });

  it("brings the header alone for no page, and to a client that is up to date", async () => {
    const { path, commit } = makeDatabase({ journal });
    const server = await serverOf(path);
    const none = await pull(server, { pages: [] });
    expect(none.pages).toEqual([]);
    const { serverRevision } = none.header;
    expect(await pull(server, { clientRevision: serverRevision })).toEqual(none);
    commit(1);
    const { header, file } = await pull(server, { clientRevision: serverRevision });
    expect(header.serverRevision).not.toBe(serverRevision);
    expect(generationOf(file)).toBe(1);
  });

  it("refuses a revision that is not the newest", async () => {
    const { path, commit } = makeDatabase({ journal });
    const server = await serverOf(path);
    const { header } = await pull(server, { pages: [] });
    commit(1);
    const request = { serverRevision: header.serverRevision, pages: [indexes(0)] };
    expect(await refusal(await postPull(server, request))).toBe("410 REVISION_CHANGED");
  });
});

describe("an answer under way while a writer commits", () => {
  it("stays of one revision in WAL mode", async () => {
    const { path, commit, writer } = makeDatabase({ journal: "wal" });
    commit(1);
    const server = await serverOf(path, { chunkBytes: 8192 });
    const response = await postPull(server);
    commit(2);
    writer.exec("PRAGMA wal_checkpoint(PASSIVE)");
    commit(3);
    expect(generationOf((await decodePull(response)).file)).toBe(1);
    expect(generationOf((await pull(server)).file)).toBe(3);
  });

  it("is broken off in rollback mode, and the next one is whole", async () => {
    const { path, commit } = makeDatabase();
    const failures: unknown[] = [];
    const server = await serverOf(path, { chunkBytes: 8192, onError: (error) => failures.push(error) });
    const response = await postPull(server);
    commit(2);
    await expect(decodePull(response)).rejects.toThrow(TypeError);
    expect(failures).toEqual([expect.objectContaining({ code: "REVISION_CHANGED" })]);
    expect(generationOf((await pull(server)).file)).toBe(2);
  });

  it("does not keep the writer out between two chunks", async () => {
    const { path, commit } = makeDatabase();
    const server = await serverOf(path, { chunkBytes: 4096 });
    const response = await postPull(server);
    const reader = response.body?.getReader();
    await reader?.read();
    commit(1);
    await expect(reader?.read()).rejects.toThrow("terminated");
  });
});

describe("pulling", () => {
  it("reads no further than the receiver takes", async () => {
    const { path } = makeDatabase();
    const file = await serve(path);
    let reads = 0;
    const database = {
      name: "app.db",
      open: async () => {
        const view = await file.open();
        const read: typeof view.read = (...args) => {
          reads++;
          return view.read(...args);
        };
        return { ...view, read };
      },
    };
    const server = handlerAsFetch(syncHandler({ database, chunkBytes: 4096 }));
    const reader = (await postPull(server)).body?.getReader();
    expect(reads).toBe(1);
    for (let i = 0; i < 3; i++) await reader?.read();
    expect(reads).toBe(3);
    await reader?.cancel();
    expect(reads).toBe(3);
  });

  it.each(["cancelled", "aborted", "stalled"])("lets the state go when the receiver has %s", async (how) => {
    const { path, commit, writer } = makeDatabase({ journal: "wal" });
    const failed = Promise.withResolvers<unknown>();
    const server = await serverOf(path, {
      chunkBytes: 4096,
      stallTimeoutMs: how === "stalled" ? 5 : 60_000,
      onError: failed.resolve,
    });
    const controller = new AbortController();
    const response = await server("http://server/pull-updates", {
      method: "POST",
      signal: controller.signal,
    });
    if (how === "cancelled") await response.body?.cancel();
    if (how === "aborted") controller.abort();
    if (how === "stalled") expect(await failed.promise).toMatchObject({ code: "TIMEOUT" });
    commit(1);
    // Closing the view takes a few turns of the event loop after an abort.
    await expect
      .poll(() => writer.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get(), { timeout: 10_000 })
      .toMatchObject({ busy: 0 });
  });

  it.each([
    ["pages of a query", { query: "SELECT 1" }],
    ["compressed pages", { encoding: "zstd" }],
    ["a logical log", { streamKind: "mvcc-log" }],
  ] as const)("refuses %s", async (_, request) => {
    const { path } = makeDatabase();
    const server = await serverOf(path, { queries: false });
    expect(await refusal(await postPull(server, request))).toBe("400 NOT_SUPPORTED");
  });

  it("refuses a malformed body, and one that is too long", async () => {
    const { path } = makeDatabase();
    const server = await serverOf(path, { maxBodyBytes: 100 });
    const post = (body: BodyInit): Promise<Response> =>
      server("http://server/pull-updates", { method: "POST", body, duplex: "half" } as RequestInit);
    expect(await refusal(await post("not protobuf"))).toBe("400 PROTOCOL");
    expect(await refusal(await post(new Uint8Array(101)))).toBe("413 TOO_LARGE");
    const endless = new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(60)) });
    expect(await refusal(await post(endless))).toBe("413 TOO_LARGE");
    const broken = new ReadableStream({ pull: (controller) => controller.error(new Error("gone")) });
    expect(await refusal(await post(broken))).toBe("400 PROTOCOL");
  });
});

describe("the file", () => {
  const url = "http://server/app.db";

  it("is the database as it would be without its write-ahead log", async () => {
    const { path, commit, writer } = makeDatabase({ journal: "wal" });
    commit(5);
    const response = await (await serverOf(path))(url);
    expect(response.status).toBe(200);
    const bytes = new Uint8Array(await response.arrayBuffer());
    expect(response.headers.get("content-length")).toBe(String(bytes.length));
    expect(response.headers.get("accept-ranges")).toBe("bytes");
    expect(generationOf(bytes)).toBe(5);
    writer.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    expect(readFileSync(path).equals(bytes)).toBe(true);
  });

  it.each([
    ["bytes=0-0", 0, 0],
    ["bytes=100-199", 100, 199],
    ["bytes=4000-20000", 4000, 20_000],
    ["bytes=8192-12287", 8192, 12_287],
    ["bytes=-100", -100, -1],
    ["bytes=100000-", 100_000, -1],
    ["bytes=0-99999999", 0, -1],
    ["bytes=-99999999", 0, -1],
  ])("answers %s with 206 and these bytes", async (range, first, last) => {
    const { path } = makeDatabase();
    const whole = readFileSync(path);
    const response = await (await serverOf(path, { chunkBytes: 4096 }))(url, { headers: { range } });
    const from = first < 0 ? whole.length + first : first;
    const to = last < 0 ? whole.length + last : last;
    expect(response.status).toBe(206);
    expect(response.headers.get("content-range")).toBe(`bytes ${from}-${to}/${whole.length}`);
    expect(response.headers.get("content-length")).toBe(String(to - from + 1));
    expect(Buffer.from(await response.arrayBuffer()).equals(whole.subarray(from, to + 1))).toBe(true);
  });

  it.each(["bytes=99999999-", "bytes=-0", "bytes=99999999-,-0"])("answers %s with 416", async (range) => {
    const { path } = makeDatabase();
    const response = await (await serverOf(path))(url, { headers: { range } });
    expect(response.headers.get("content-range")).toBe(`bytes */${readFileSync(path).length}`);
    expect(await refusal(response)).toBe("416 RANGE_NOT_SATISFIABLE");
  });

  it.each<{ range: string; expected: (readonly [number, number])[] }>([
    {
      range: "bytes=0-1,5-6",
      expected: [
        [0, 1],
        [5, 6],
      ],
    },
    {
      range: "bytes=8192-12287, 0-4095 ,4100-8000",
      expected: [
        [8192, 12_287],
        [0, 4095],
        [4100, 8000],
      ],
    },
    {
      range: "bytes=4000-20000,30000-30000,-10",
      expected: [
        [4000, 20_000],
        [30_000, 30_000],
        [-10, -1],
      ],
    },
    { range: "bytes=0-9,99999999-", expected: [[0, 9]] },
  ])("answers $range with 206 and these parts", async ({ range, expected }) => {
    const { path } = makeDatabase();
    const whole = readFileSync(path);
    const response = await (await serverOf(path, { chunkBytes: 4096 }))(url, { headers: { range } });
    expect(response.status).toBe(206);
    const body = Buffer.from(await response.arrayBuffer());
    expect(response.headers.get("content-length")).toBe(String(body.length));
    const boundary = /^multipart\/byteranges; boundary=(.+)$/.exec(
      response.headers.get("content-type") ?? "",
    )?.[1];
    const parts = expected.map(([from, to]) => {
      const [first, last] = [from < 0 ? whole.length + from : from, to < 0 ? whole.length + to : to];
      const head = `Content-Range: bytes ${first}-${last}/${whole.length}\r\n\r\n`;
      return { head, bytes: whole.subarray(first, last + 1) };
    });
    if (parts.length === 1) {
      expect(boundary).toBeUndefined();
      expect(body.equals(parts[0]?.bytes ?? Buffer.alloc(0))).toBe(true);
      return;
    }
    const made = parts.map(({ head, bytes }) =>
      Buffer.concat([
        Buffer.from(`\r\n--${boundary}\r\nContent-Type: application/vnd.sqlite3\r\n${head}`),
        bytes,
      ]),
    );
    expect(body.equals(Buffer.concat([...made, Buffer.from(`\r\n--${boundary}--\r\n`)]))).toBe(true);
  });

  it("answers more than 256 ranges, and ranges that overlap, with the whole file", async () => {
    const { path } = makeDatabase();
    const server = await serverOf(path);
    const many = Array.from({ length: 257 }, (_, at) => `${2 * at}-${2 * at}`);
    for (const ranges of [many, ["0-9", "20-29", "5-6"], ["0-", "0-"]]) {
      const response = await server(url, { headers: { range: `bytes=${ranges.join(",")}` } });
      expect(response.status).toBe(200);
      expect((await response.arrayBuffer()).byteLength).toBe(readFileSync(path).length);
    }
    const most = await server(url, { headers: { range: `bytes=${many.slice(1).join(",")}` } });
    expect(most.status).toBe(206);
    await most.body?.cancel();
  });

  it.each(["bytes=0-1,5-2", "bytes=5-2", "bytes=-", "pages=1-2", "nonsense"])(
    "answers %s with the whole file",
    async (range) => {
      const { path } = makeDatabase();
      const response = await (await serverOf(path))(url, { headers: { range } });
      expect(response.status).toBe(200);
      expect((await response.arrayBuffer()).byteLength).toBe(readFileSync(path).length);
    },
  );

  it("is the same under HEAD, without the bytes", async () => {
    const { path } = makeDatabase();
    const server = await serverOf(path);
    const [get, head] = [
      await server(url),
      await server(url, { method: "HEAD", headers: { range: "bytes=0-1" } }),
    ];
    expect(head.status).toBe(200);
    expect(Object.fromEntries(head.headers)).toEqual(Object.fromEntries(get.headers));
    expect(head.body).toBeNull();
    await get.body?.cancel();
  });

  it("has a strong tag that changes with the revision, which conditions hold against", async () => {
    const { path, commit } = makeDatabase();
    const server = await serverOf(path);
    const ask = async (headers: Record<string, string>): Promise<number> => {
      const response = await server(url, { headers: { range: "bytes=0-9", ...headers } });
      await response.body?.cancel();
      return response.status;
    };
    const tag = (await server(url, { method: "HEAD" })).headers.get("etag") ?? "";
    expect(tag).toMatch(/^"[\x21\x23-\x7e]+"$/);
    expect(await ask({ "if-match": tag })).toBe(206);
    expect(await ask({ "if-match": `"other", ${tag}` })).toBe(206);
    expect(await ask({ "if-match": "*" })).toBe(206);
    expect(await ask({ "if-match": `W/${tag}` })).toBe(412);
    expect(await ask({ "if-range": tag })).toBe(206);
    expect(await ask({ "if-range": `W/${tag}` })).toBe(200);
    expect(await ask({ "if-none-match": tag })).toBe(304);
    expect(await ask({ "if-none-match": `W/${tag}` })).toBe(304);
    expect(await ask({ "if-none-match": '"other"' })).toBe(206);
    commit(1);
    expect(await ask({ "if-match": tag })).toBe(412);
    expect(await ask({ "if-range": tag })).toBe(200);
    expect(await ask({ "if-none-match": tag })).toBe(206);
    const failed = await server(url, { headers: { "if-match": tag } });
    expect(failed.headers.get("etag")).not.toBe(tag);
    expect(await refusal(failed)).toBe("412 REVISION_CHANGED");
  });
});

describe("the server", () => {
  it("says at its root what there is", async () => {
    const { path } = makeDatabase();
    const server = await serverOf(path);
    const { header } = await pull(server, { pages: [] });
    const index = await server("http://server/");
    expect(index.status).toBe(200);
    expect(await index.json()).toEqual({
      name: "app.db",
      file: "/app.db",
      pullUpdates: "/pull-updates",
      revision: header.serverRevision,
      pageSize: 4096,
      pageCount: header.pageCount,
    });
  });

  it("finds its paths behind more than one slash", async () => {
    const { path } = makeDatabase();
    const server = await serverOf(path);
    const response = await server("http://server//pull-updates", { method: "POST" });
    expect((await decodePull(response)).pages.length).toBeGreaterThan(10);
  });

  it.each([
    ["GET", "/other.db", "404 NOT_FOUND"],
    ["GET", "/%E0%A4%A", "404 NOT_FOUND"],
    ["POST", "/app.db/x", "404 NOT_FOUND"],
    ["GET", "/pull-updates", "405 METHOD_NOT_ALLOWED"],
    ["PUT", "/app.db", "405 METHOD_NOT_ALLOWED"],
    ["DELETE", "/", "405 METHOD_NOT_ALLOWED"],
  ])("answers %s %s with %s", async (method, where, expected) => {
    const { path } = makeDatabase();
    const response = await (await serverOf(path))(`http://server${where}`, { method });
    if (response.status === 405) expect(response.headers.get("allow")).toContain("OPTIONS");
    expect(await refusal(response)).toBe(expected);
  });

  it("answers preflights without asking for a token", async () => {
    const { path } = makeDatabase();
    const server = await serverOf(path, { authToken: "secret", allowOrigin: "https://app.example" });
    const response = await server("http://server/pull-updates", { method: "OPTIONS" });
    expect(response.status).toBe(204);
    expect(response.headers.get("access-control-allow-origin")).toBe("https://app.example");
    expect(response.headers.get("vary")).toBe("origin");
    expect(response.headers.get("access-control-allow-methods")).toContain("POST");
    expect(response.headers.get("access-control-allow-headers")).toContain("authorization");
    expect(response.headers.get("access-control-expose-headers")).toContain("etag");
  });

  it("lets in who names a token, and nobody else", async () => {
    const { path } = makeDatabase();
    const server = await serverOf(path, { authToken: ["secret", "other-secret"] });
    const ask = (authorization?: string) =>
      server("http://server/", { headers: authorization === undefined ? {} : { authorization } });
    for (const good of ["Bearer secret", "bearer other-secret", "Bearer  secret "]) {
      expect((await ask(good)).status, good).toBe(200);
    }
    for (const bad of [
      "",
      "Bearer",
      "Bearer secre",
      "Bearer secrets",
      "Bearer SECRET",
      "Basic secret",
      "secret",
    ]) {
      const response = await ask(bad);
      expect(response.headers.get("www-authenticate"), bad).toContain("Bearer");
      expect(await refusal(response), bad).toBe("401 UNAUTHORIZED");
    }
    expect(await refusal(await ask())).toBe("401 UNAUTHORIZED");
    expect(await refusal(await postPull(server))).toBe("401 UNAUTHORIZED");
    expect(await refusal(await server("http://server/nowhere"))).toBe("401 UNAUTHORIZED");
  });

  it.each([[""], [[]], ["two words"], [["fine", "größe"]]])("refuses %j as tokens", async (authToken) => {
    const { path } = makeDatabase();
    await expect(serverOf(path, { authToken })).rejects.toThrow(
      expect.objectContaining({ code: "INVALID_OPTION" }),
    );
  });

  it("answers 503 while a writer keeps readers out", async () => {
    const { path, writer } = makeDatabase();
    const file = await serve(path, { busyTimeoutMs: 10 });
    const server = handlerAsFetch(syncHandler({ database: file }));
    writer.exec("BEGIN EXCLUSIVE");
    const response = await postPull(server);
    expect(response.headers.get("retry-after")).toBe("1");
    expect(await refusal(response)).toBe("503 BUSY");
    writer.exec("ROLLBACK");
    expect((await postPull(server, { pages: [] })).status).toBe(200);
  });

  it("tells its operator, not the client, why it cannot read", async () => {
    const errors: unknown[] = [];
    const database = {
      name: "app.db",
      open: () => Promise.reject(new Error("/secret/path is gone")),
    };
    const server = handlerAsFetch(syncHandler({ database, onError: (error) => errors.push(error) }));
    const response = await server("http://server/app.db");
    expect(await response.clone().text()).not.toContain("secret");
    expect(await refusal(response)).toBe("500 INTERNAL");
    expect(errors).toEqual([expect.objectContaining({ message: "/secret/path is gone" })]);
  });

  it("serves an empty database", async () => {
    const database = await serve(emptyFile());
    const server = handlerAsFetch(syncHandler({ database }));
    expect(await pull(server)).toMatchObject({
      header: { pageCount: 0, serverRevision: "empty" },
      pages: [],
    });
    const file = await server(`http://server/${database.name}`);
    expect([file.status, file.headers.get("content-length"), await file.text()]).toEqual([200, "0", ""]);
    const range = await server(`http://server/${database.name}`, { headers: { range: "bytes=0-" } });
    expect(await refusal(range)).toBe("416 RANGE_NOT_SATISFIABLE");
  });

  it("accepts a body of fields it does not know", async () => {
    const { path } = makeDatabase();
    const body = new Uint8Array([...encodePullRequest({ pages: [] }), 0x7a, 0x02, 0x01, 0x02]);
    const response = await (await serverOf(path))("http://server/pull-updates", { method: "POST", body });
    expect((await decodePull(response)).pages).toEqual([]);
  });
});
