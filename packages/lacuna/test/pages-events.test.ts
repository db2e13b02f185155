import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { connect, type PagesEvent, type PartialSyncOptions } from "../src/index.ts";
import { type RemoteFile, serveRemoteFile } from "./remote-file.ts";

let remote: RemoteFile;

beforeEach(async () => {
  remote = await serveRemoteFile();
});

afterEach(() => remote.close());

async function eventsOf(sql: string, prefetch: PartialSyncOptions["prefetch"]): Promise<PagesEvent[]> {
  const events: PagesEvent[] = [];
  await using db = await connect({
    path: ":memory:",
    url: remote.syncUrl,
    fetch: remote.fetch,
    remote: "sync-server",
    driver: "jspi",
    partialSync: { bootstrapStrategy: { kind: "prefix", length: 4096 }, prefetch },
    onPages: (event) => events.push(event),
  });
  await db.all(sql);
  const { cache } = await db.stats();
  const pages = events.filter(({ type }) => type === "page");
  expect(pages).toHaveLength(cache.fetchedPages);
  expect(events.filter(({ type }) => type === "request")).toHaveLength(cache.requests);
  const used = events.filter(({ type }) => type === "used");
  expect(used).toHaveLength(cache.segment.used + cache.prefetch.used);
  return events;
}

const causesOf = (events: readonly PagesEvent[]): Set<string> =>
  new Set(events.flatMap((event) => (event.type === "page" ? [event.cause] : [])));

describe("onPages", () => {
  it("does no harm when it throws: what it throws is reported to the runtime, as with listeners", async () => {
    const reported: unknown[] = [];
    const queue = globalThis.queueMicrotask;
    const watched = vi.spyOn(globalThis, "queueMicrotask").mockImplementation((run) =>
      queue(() => {
        try {
          run();
        } catch (error) {
          reported.push(error);
        }
      }),
    );
    onTestFinished(() => watched.mockRestore());
    const mine = new Error("mine");
    await using db = await connect({
      path: ":memory:",
      url: remote.syncUrl,
      fetch: remote.fetch,
      partialSync: {},
      onPages: () => {
        throw mine;
      },
    });
    db.on("fetch", () => {
      throw mine;
    });
    expect(await db.get("SELECT count(note) AS n FROM person")).toEqual({ n: 4000 });
    expect(new Set(reported)).toEqual(new Set([mine]));
  });

  it("tells of all pages that come, with the counts of stats()", async () => {
    const events = await eventsOf("SELECT count(note) FROM person", true);
    expect(causesOf(events)).toContain("demand");
    expect(causesOf(events)).toContain("run-ahead");
  });

  it("tells of the pages of segments where prefetch is off", async () => {
    const causes = causesOf(await eventsOf("SELECT count(note) FROM person", false));
    expect(causes).toEqual(new Set(["demand", "segment"]));
  });
});
