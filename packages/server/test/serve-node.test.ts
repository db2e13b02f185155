import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { laterTurn, ManualTimers } from "@lacuna/testkit";
import { describe, expect, it, onTestFinished } from "vitest";
import { type Handler, type SyncHandlerOptions, syncHandler, withRequestRecords } from "../src/index.ts";
import { type NodeServer, type ServeNodeOptions, serveNode } from "../src/node/index.ts";
import { decodePull, generationOf, makeDatabase, serve } from "./database-fixture.ts";

async function listen(handler: Handler, options: Partial<ServeNodeOptions> = {}): Promise<NodeServer> {
  const server = await serveNode({ handler, port: 0, ...options });
  onTestFinished(() => server.close());
  return server;
}

async function listenTo(path: string, options: Partial<SyncHandlerOptions> = {}): Promise<NodeServer> {
  return listen(syncHandler({ database: await serve(path), ...options }));
}

/** Sends text as it stands and gives back everything the server says until it closes the connection. */
async function exchange(server: NodeServer, text: string): Promise<string> {
  const socket = connect(server.port, server.host);
  socket.write(text);
  let answer = "";
  for await (const chunk of socket) answer += chunk;
  return answer;
}

describe("the Node server", () => {
  it("serves pages, the file and refusals over the network", async () => {
    const { path, commit } = makeDatabase({ journal: "wal", rows: 5000 });
    commit(3);
    const server = await listenTo(path);
    const pulled = await decodePull(await fetch(`${server.url}//pull-updates`, { method: "POST" }));
    expect(generationOf(pulled.file)).toBe(3);
    const range = await fetch(`${server.url}/app.db`, { headers: { range: "bytes=5-9" } });
    expect([range.status, Buffer.from(await range.arrayBuffer()).toString()]).toEqual([206, "e for"]);
    const head = await fetch(`${server.url}/app.db`, { method: "HEAD" });
    expect(head.headers.get("content-length")).toBe(String(pulled.file.length));
    const refused = await fetch(`${server.url}/pull-updates`, { method: "POST", body: "garbage" });
    expect([refused.status, await refused.json()]).toMatchObject([400, { code: "PROTOCOL" }]);
    const preflight = await exchange(server, "OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    expect(preflight).toMatch(/^HTTP\/1.1 204 /);
  });

  it("breaks the connection off when the answer cannot be finished", async () => {
    const { promise: mayFail, resolve: fail } = Promise.withResolvers<void>();
    const server = await listen(async () => {
      const body = new ReadableStream({
        start: (controller) => controller.enqueue(new Uint8Array(10)),
        async pull(controller) {
          await mayFail;
          controller.error(new Error("inside"));
        },
      });
      return new Response(body, { headers: { "content-length": "20" } });
    });
    const reader = (await fetch(server.url)).body?.getReader();
    expect((await reader?.read())?.value).toHaveLength(10);
    fail();
    await expect(reader?.read()).rejects.toThrow(new TypeError("terminated"));
  });

  it("stops reading when the client goes away, and lets the state go", async () => {
    const { path, commit, writer } = makeDatabase({ journal: "wal", rows: 50_000 });
    const server = await listenTo(path);
    const controller = new AbortController();
    const response = await fetch(`${server.url}/app.db`, { signal: controller.signal });
    const reader = response.body?.getReader();
    await reader?.read();
    controller.abort();
    commit(1);
    await expect
      .poll(() => writer.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get(), { timeout: 10_000 })
      .toMatchObject({ busy: 0 });
  });

  it("waits for a client that takes its time instead of filling the memory", async () => {
    let made = 0;
    const server = await listen(async () => {
      const body = new ReadableStream({
        pull(controller) {
          made++;
          if (made === 1000) controller.close();
          else controller.enqueue(new Uint8Array(1 << 20));
        },
      });
      return new Response(body);
    });
    const socket = connect(server.port, server.host);
    socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    await once(socket, "readable");
    for (let turn = 0; turn < 500; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(made).toBeLessThan(100);
    socket.destroy();
  });

  it("says that a port is taken", async () => {
    const first = await listen(async () => new Response());
    await expect(listen(async () => new Response(), { port: first.port })).rejects.toThrow(
      expect.objectContaining({
        code: "BUSY",
        message: `port ${first.port} of 127.0.0.1 is taken; choose another one`,
      }),
    );
  });

  it.each([{ port: 70_000 }, { host: "256.1.1.1.invalid" }])(
    "says that it cannot listen on %j",
    async (where) => {
      await expect(listen(async () => new Response(), where)).rejects.toThrow(
        expect.objectContaining({ code: "INVALID_OPTION" }),
      );
    },
  );

  it("lets an answer under way finish before it is closed", async () => {
    const { path } = makeDatabase();
    const server = await listenTo(path);
    const response = await fetch(`${server.url}/app.db`);
    const closed = server.close();
    expect((await response.arrayBuffer()).byteLength).toBe(readFileSync(path).length);
    await closed;
    await expect(fetch(server.url)).rejects.toThrow(TypeError);
  });

  it("does not wait for ever for an answer under way", async () => {
    const { promise: asked, resolve } = Promise.withResolvers<void>();
    const handler: Handler = () => {
      resolve();
      return new Promise(() => {});
    };
    const server = await listen(handler, { graceMs: 10 });
    const failed = expect(fetch(server.url)).rejects.toThrow(TypeError);
    await asked;
    await server.close();
    await failed;
  });

  it("answers what comes behind a body that was too long", async () => {
    const server = await listenTo(makeDatabase().path, { maxBodyBytes: 1000 });
    const chunk = `10000\r\n${"x".repeat(0x10000)}\r\n`;
    const post = `POST /pull-updates HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${chunk.repeat(40)}0\r\n\r\n`;
    const answers = await exchange(server, `${post}GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 413", "HTTP/1.1 200"]);
  }, 10_000);

  it("answers 500 when the handler fails", async () => {
    const server = await listen(() => Promise.reject(new Error("inside")));
    const response = await fetch(server.url);
    expect([response.status, await response.json()]).toEqual([
      500,
      { code: "INTERNAL", message: "the server failed" },
    ]);
  });

  it.each([
    ["a broken host", "GET / HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n"],
    ["a forbidden method", "TRACE / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"],
    ["no HTTP", "hello there\r\n\r\n"],
  ])("answers 400 to %s", async (_, text) => {
    const { path } = makeDatabase();
    expect(await exchange(await listenTo(path), text)).toMatch(/^HTTP\/1.1 400 /);
  });
});

describe("a client that stalls", () => {
  const piece = new Uint8Array(8 << 20);

  /** Sends a request and reads nothing of the answer. */
  async function stalledClient(server: NodeServer, path = "/"): Promise<Socket> {
    const socket = connect(server.port, server.host);
    socket.pause();
    socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
    await once(socket, "connect");
    return socket;
  }

  it.each([
    ["a whole answer", () => new Response(piece)],
    ["a piece", () => new Response(new ReadableStream({ pull: (controller) => controller.enqueue(piece) }))],
  ])("over %s is left alone for as long as it may take, and not longer", async (_, answer) => {
    const timers = new ManualTimers();
    const ended = Promise.withResolvers<void>();
    const server = await listen(
      async (request) => {
        request.signal.addEventListener("abort", () => ended.resolve());
        return answer();
      },
      { timers, stallTimeoutMs: 1000 },
    );
    const socket = await stalledClient(server);
    const closed = once(socket, "close");
    await expect.poll(() => timers.pending).toBe(1);
    timers.advance(999);
    expect(timers.pending).toBe(1);
    timers.advance(1);
    await ended.promise;
    expect(timers.pending).toBe(0);
    socket.on("error", () => {}).resume();
    await closed;
  });

  it("is not waited for when it has left before its answer", async () => {
    const timers = new ManualTimers();
    const database = await serve(makeDatabase().path);
    const answered = Promise.withResolvers<void>();
    const handler = syncHandler({
      database: {
        ...database,
        open: async ({ signal } = {}) => {
          if (signal !== undefined) await once(signal, "abort");
          return database.open();
        },
      },
    });
    const recorded = withRequestRecords(handler, () => answered.resolve());
    const socket = await stalledClient(await listen(recorded, { timers }));
    setImmediate(() => socket.destroy());
    await answered.promise;
    await laterTurn();
    expect(timers.pending).toBe(0);
  });

  it("of the pages is told of, and the state let go", async () => {
    const { path, commit, writer } = makeDatabase({ journal: "wal", rows: 40_000 });
    const timers = new ManualTimers();
    let told: unknown;
    const onError = (error: unknown): unknown => (told = error);
    const handler = syncHandler({ database: await serve(path), stallTimeoutMs: 500, onError });
    const socket = await stalledClient(await listen(handler, { timers }), "/app.db");
    await expect
      .poll(() => {
        timers.advance(500);
        return told;
      })
      .toMatchObject({ code: "TIMEOUT" });
    commit(1);
    const checkpoint = writer.prepare("PRAGMA wal_checkpoint(TRUNCATE)");
    await expect.poll(() => checkpoint.get()).toMatchObject({ busy: 0 });
    socket.destroy();
  });

  it("but takes what was sent in the end has all of it, and its connection is used again", async () => {
    const timers = new ManualTimers();
    const server = await listen(async () => new Response(piece), { timers, stallTimeoutMs: 1000 });
    const socket = await stalledClient(server);
    await expect.poll(() => timers.pending).toBe(1);
    timers.advance(999);
    let received = 0;
    socket.on("data", (chunk) => {
      received += chunk.length;
    });
    socket.resume();
    await expect.poll(() => received, { timeout: 10_000 }).toBeGreaterThan(piece.length);
    await expect.poll(() => timers.pending).toBe(0);
    const first = received;
    socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    await expect.poll(() => received, { timeout: 10_000 }).toBe(2 * first);
    socket.destroy();
  });
});
