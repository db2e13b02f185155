import { LacunaError, pageNo } from "@lacuna/page";
import { laterTurn, type RecordingTransport } from "@lacuna/testkit";
import { describe, expect, it } from "vitest";
import type { ReadingPager, Snapshot } from "../src/index.ts";
import { cacheOver, first, second, setUp } from "./set-up.ts";

/** Takes a snapshot where that needs no waiting. */
function now(pager: ReadingPager): Snapshot {
  const snapshot = pager.snapshot();
  if (snapshot instanceof Promise) throw new Error("expected a snapshot at once, found a promise");
  return snapshot;
}

/** The remote moves on, and a reader of `pager` finds out. */
async function goStale(pager: ReadingPager, transport: RecordingTransport): Promise<Snapshot> {
  transport.replace(second);
  const snapshot = now(pager);
  await expect(snapshot.read(pageNo(9))).rejects.toMatchObject({ code: "REVISION_CHANGED", page: 9 });
  return snapshot;
}

const gone = new LacunaError("NETWORK", "the remote is gone");

describe("a snapshot", () => {
  it("is there at once", async () => {
    const { pager } = await setUp();
    expect(now(pager)).toMatchObject({ revision: "r1", pageSize: 512, pageCount: 20 });
  });

  it("reads nothing once it is released, which may be done twice", async () => {
    const { pager } = await setUp();
    const snapshot = now(pager);
    const other = now(pager);
    await snapshot.read(pageNo(1));
    expect(pager.openSnapshots).toBe(2);
    snapshot.release();
    snapshot.release();
    expect(pager.openSnapshots).toBe(1);
    expect(snapshot.peek(pageNo(1))).toBeUndefined();
    await expect(snapshot.read(pageNo(1))).rejects.toMatchObject({ code: "CLOSED" });
    expect(other.peek(pageNo(1))).toEqual(first.page(pageNo(1)));
  });

  it("passes prefetches on until it is released", async () => {
    const { pager, transport } = await setUp();
    const snapshot = pager.snapshot();
    if (snapshot instanceof Promise) throw new Error("expected a snapshot at once, found a promise");
    await snapshot.prefetch([pageNo(7), pageNo(9)]);
    expect(transport.asked).toEqual([[7, 9]]);
    expect([7, 8].map((page) => snapshot.holds?.(pageNo(page)))).toEqual([true, false]);
    snapshot.release();
    expect(snapshot.holds?.(pageNo(7))).toBe(false);
    await snapshot.prefetch([pageNo(11)]);
    expect(transport.asked).toHaveLength(1);
  });

  it("passes other failures on and stays current", async () => {
    const { pager, transport } = await setUp();
    transport.misbehave({ error: gone });
    const snapshot = now(pager);
    await expect(snapshot.read(pageNo(9))).rejects.toMatchObject({ code: "NETWORK" });
    expect(now(pager).revision).toBe("r1");
  });
});

describe("a remote that moved on", () => {
  it("makes the next snapshot one of the new revision", async () => {
    const { pager, transport, scripted } = await setUp();
    await goStale(pager, transport);
    const moving = pager.snapshot();
    expect(moving).toBeInstanceOf(Promise);
    await laterTurn();
    scripted.succeed(await cacheOver(transport));
    const snapshot = await moving;
    expect(snapshot).toMatchObject({ revision: "r2", pageCount: 30 });
    expect(await snapshot.read(pageNo(30))).toEqual(second.page(pageNo(30)));
    expect(now(pager).revision).toBe("r2");
    expect(scripted.signals).toHaveLength(1);
  });

  it("leaves earlier snapshots as they are: what is resident, and REVISION_CHANGED", async () => {
    const { pager, transport, scripted } = await setUp();
    const early = now(pager);
    await early.read(pageNo(1));
    await goStale(pager, transport);
    const moving = pager.snapshot();
    await laterTurn();
    scripted.succeed(await cacheOver(transport));
    await moving;
    expect(early.revision).toBe("r1");
    expect(early.peek(pageNo(1))).toEqual(first.page(pageNo(1)));
    await expect(early.read(pageNo(9))).rejects.toMatchObject({ code: "REVISION_CHANGED" });
    expect(now(pager).revision).toBe("r2");
  });

  it("is followed once for all who wait, and one who gives up leaves the others alone", async () => {
    const { pager, transport, scripted } = await setUp();
    await goStale(pager, transport);
    const abort = new AbortController();
    const reason = new Error("no longer wanted");
    const aborted = Promise.resolve(pager.snapshot({ signal: abort.signal })).catch(
      (error: unknown) => error,
    );
    const others = [pager.snapshot(), pager.snapshot()];
    await laterTurn();
    abort.abort(reason);
    expect(await aborted).toBe(reason);
    expect(scripted.signals).toHaveLength(1);
    expect(scripted.signals[0]?.aborted).toBe(false);
    scripted.succeed(await cacheOver(transport));
    for (const other of others) expect((await other).revision).toBe("r2");
  });

  it("is followed no further when nobody waits, and again later, one at a time", async () => {
    const { pager, transport, scripted } = await setUp();
    await goStale(pager, transport);
    const abort = new AbortController();
    const aborted = Promise.resolve(pager.snapshot({ signal: abort.signal })).catch(() => "aborted");
    await laterTurn();
    abort.abort();
    expect(await aborted).toBe("aborted");
    expect(scripted.signals[0]?.aborted).toBe(true);
    const again = pager.snapshot();
    await laterTurn();
    expect(scripted.signals).toHaveLength(1);
    scripted.fail(abort.signal.reason);
    await laterTurn();
    expect(scripted.signals).toHaveLength(2);
    scripted.succeed(await cacheOver(transport));
    expect((await again).revision).toBe("r2");
  });

  it("is taken for followed when that succeeded though nobody waited any more", async () => {
    const { pager, transport, scripted } = await setUp();
    await goStale(pager, transport);
    const abort = new AbortController();
    const aborted = Promise.resolve(pager.snapshot({ signal: abort.signal })).catch(() => "aborted");
    await laterTurn();
    abort.abort();
    await aborted;
    const again = pager.snapshot();
    scripted.succeed(await cacheOver(transport));
    expect((await again).revision).toBe("r2");
    expect(scripted.signals).toHaveLength(1);
  });

  it("is not followed without a way to do so", async () => {
    const { pager, transport } = await setUp({ repin: undefined });
    await goStale(pager, transport);
    expect(now(pager).revision).toBe("r1");
  });
});

describe("a remote that moved on and cannot be reached", () => {
  it.each(["NETWORK", "TIMEOUT", "OFFLINE"] as const)(
    "with %s leaves the old revision readable, and is tried again after a while",
    async (code) => {
      let time = 0;
      const { pager, transport, scripted } = await setUp({ repinRetryMs: 500, now: () => time });
      await now(pager).read(pageNo(1));
      await goStale(pager, transport);
      const moving = pager.snapshot();
      await laterTurn();
      scripted.fail(new LacunaError(code, "the remote is gone"));
      const old = await moving;
      expect(old.revision).toBe("r1");
      expect(old.peek(pageNo(1))).toEqual(first.page(pageNo(1)));
      time = 499;
      expect(now(pager).revision).toBe("r1");
      time = 500;
      const retried = pager.snapshot();
      await laterTurn();
      scripted.succeed(await cacheOver(transport));
      expect((await retried).revision).toBe("r2");
      expect(scripted.signals).toHaveLength(2);
    },
  );

  it("with any other failure rejects the snapshot, and the next one tries again", async () => {
    const { pager, transport, scripted } = await setUp();
    await goStale(pager, transport);
    const refused = new LacunaError("UNAUTHORIZED", "who are you");
    const moving = Promise.resolve(pager.snapshot()).catch((error: unknown) => error);
    await laterTurn();
    scripted.fail(refused);
    expect(await moving).toBe(refused);
    const retried = pager.snapshot();
    await laterTurn();
    scripted.succeed(await cacheOver(transport));
    expect((await retried).revision).toBe("r2");
  });
});

describe("closing", () => {
  it("releases every snapshot, refuses new ones, and may be done twice", async () => {
    const { pager } = await setUp();
    const snapshot = now(pager);
    await pager.close();
    await pager.close();
    expect(pager.openSnapshots).toBe(0);
    await expect(snapshot.read(pageNo(1))).rejects.toMatchObject({ code: "CLOSED" });
    expect(() => pager.snapshot()).toThrow(expect.objectContaining({ code: "CLOSED" }));
  });

  it("ends the wait for a re-pin at once, and itself waits until that has ended", async () => {
    const { pager, transport, scripted } = await setUp();
    await goStale(pager, transport);
    const moving = Promise.resolve(pager.snapshot()).catch((error: unknown) => error);
    await laterTurn();
    let closed = false;
    const closing = pager.close().then(() => {
      closed = true;
    });
    expect(await moving).toMatchObject({ code: "CLOSED" });
    expect(scripted.signals[0]?.aborted).toBe(true);
    await laterTurn();
    expect(closed).toBe(false);
    scripted.fail(gone);
    await closing;
    expect(pager.openSnapshots).toBe(0);
  });
});

describe("closing while a re-pin succeeds", () => {
  it.each(Array.from({ length: 16 }, (_, turns) => turns))(
    "leaves no snapshot open when it comes %i microtasks later",
    async (turns) => {
      const { pager, transport, scripted } = await setUp();
      await goStale(pager, transport);
      const moving = Promise.resolve(pager.snapshot()).catch((error: unknown) => error);
      const base = await cacheOver(transport);
      scripted.succeed(base);
      for (let turn = 0; turn < turns; turn++) await Promise.resolve();
      await pager.close();
      await moving;
      expect(pager.openSnapshots).toBe(0);
    },
  );
});

it("has no way to write, which is what SQL looks for", async () => {
  const { pager } = await setUp();
  expect("begin" in pager).toBe(false);
});

it("refuses a negative repinRetryMs", async () => {
  await expect(setUp({ repinRetryMs: -1 })).rejects.toMatchObject({ code: "INVALID_OPTION" });
});
