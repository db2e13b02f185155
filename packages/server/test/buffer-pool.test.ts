import { describe, expect, it } from "vitest";
import { BufferPool } from "../src/node/buffer-pool.ts";

const MIB = 2 ** 20;

describe("memory for answers", () => {
  it("is used again once it is given back, also for a little less", () => {
    const pool = new BufferPool(MIB);
    const first = pool.take(500_000);
    const meanwhile = pool.take(500_000);
    expect(meanwhile.buffer).not.toBe(first.buffer);
    pool.give(first.subarray(3, 9));
    const again = pool.take(499_000);
    expect([again.length, again.buffer === first.buffer]).toEqual([499_000, true]);
  });

  it("is never lent twice at a time, however often it is given back", () => {
    const pool = new BufferPool(MIB);
    const bytes = pool.take(100_000);
    pool.give(bytes);
    pool.give(bytes);
    expect(pool.take(100_000).buffer).not.toBe(pool.take(100_000).buffer);
  });

  it("that comes from elsewhere is not kept", () => {
    const pool = new BufferPool(MIB);
    pool.give(new Uint8Array(100_000));
    pool.give(pool.take(100));
    expect(pool.freeBytes).toBe(0);
  });

  it("is kept up to a limit", () => {
    const pool = new BufferPool(MIB);
    const taken = Array.from({ length: 5 }, () => pool.take(400_000));
    for (const bytes of taken) pool.give(bytes);
    expect(pool.freeBytes).toBeGreaterThan(0);
    expect(pool.freeBytes).toBeLessThanOrEqual(MIB);
  });
});
