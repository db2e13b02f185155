import type { Transport } from "@lacuna/page";
import { patternDatabase, RecordingTransport } from "@lacuna/testkit";
import { describe, expect, it } from "vitest";
import { deferredTransport } from "../src/deferred-transport.ts";

const database = patternDatabase(3, { pageSize: 512, revision: "r1" });

describe("a transport that is made when it is first needed", () => {
  it("is made once for all who wait, and again after a failure", async () => {
    let made = 0;
    const transport = deferredTransport(async () => {
      made++;
      if (made === 1) throw new Error("not now");
      return new RecordingTransport(database);
    });
    expect(made).toBe(0);
    await expect(transport.open()).rejects.toThrow("not now");
    const both = await Promise.all([transport.open(), transport.open()]);
    expect(both.map(({ shape }) => shape.pageCount)).toEqual([3, 3]);
    expect(made).toBe(2);
  });

  it("ends the wait of its callers when it is closed meanwhile, and closes what comes then", async () => {
    const { promise: making, resolve } = Promise.withResolvers<Transport>();
    const transport = deferredTransport(() => making);
    const opening = transport.open().catch((error: unknown) => error);
    await transport.close();
    expect(await opening).toMatchObject({ code: "CLOSED" });
    const closed = Promise.withResolvers<void>();
    const late = new RecordingTransport(database);
    late.close = async () => closed.resolve();
    resolve(late);
    await closed.promise;
    await expect(transport.open()).rejects.toMatchObject({ code: "CLOSED" });
    expect(late.requests).toHaveLength(0);
  });
});
