import { readFile } from "node:fs/promises";
import { setImmediate } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../src/network/virtual-clock.ts";

/** Waits until the clock shows `timeMs`. */
const until = (clock: VirtualClock, timeMs: number): Promise<void> =>
  new Promise((resolve) => {
    clock.at(timeMs, () => {
      resolve();
      return "outside";
    });
  });

describe("the virtual clock", () => {
  it("runs events by time, and events of one time in the order they were given", async () => {
    const clock = new VirtualClock();
    const seen: string[] = [];
    for (const [name, timeMs] of [
      ["c", 5],
      ["a", 1],
      ["d", 5],
      ["b", 2],
    ] as const) {
      clock.at(timeMs, () => {
        seen.push(`${name}${clock.nowMs}`);
        return "outside";
      });
    }
    await until(clock, 6);
    expect(seen).toEqual(["a1", "b2", "c5", "d5"]);
  });

  it("never goes back", async () => {
    const clock = new VirtualClock();
    await until(clock, 10);
    await until(clock, 3);
    expect(clock.nowMs).toBe(10);
  });

  it("lets the process react to an event before the next one", async () => {
    const clock = new VirtualClock();
    const late = until(clock, 2);
    await until(clock, 1);
    await setImmediate();
    await setImmediate();
    await until(clock, 1.5);
    expect(clock.nowMs).toBe(1.5);
    await late;
  });

  it("stands still while work is held", async () => {
    const clock = new VirtualClock();
    const work = Promise.withResolvers<void>();
    const held = clock.hold(work.promise);
    const event = until(clock, 1);
    for (let turn = 0; turn < 50; turn++) await setImmediate();
    expect(clock.nowMs).toBe(0);
    work.resolve();
    await held;
    await event;
    expect(clock.nowMs).toBe(1);
  });

  it("stands still while a file is read", async () => {
    const clock = new VirtualClock();
    const event = until(clock, 1);
    for (let round = 0; round < 20; round++) await readFile(fileURLToPath(import.meta.url));
    expect(clock.nowMs).toBe(0);
    await event;
  });

  it("stands still while somebody computes in turns", async () => {
    const clock = new VirtualClock();
    const event = until(clock, 1);
    for (let turn = 0; turn < 50; turn++) await setImmediate();
    expect(clock.nowMs).toBe(0);
    await event;
  });

  it("takes the turns of another clock for no work", async () => {
    const events = [until(new VirtualClock(), 1), until(new VirtualClock(), 2)];
    await Promise.all(events);
    expect(events.length).toBe(2);
  });

  it("goes on after work that failed", async () => {
    const clock = new VirtualClock();
    await expect(clock.hold(Promise.reject(new Error("failed")))).rejects.toThrow("failed");
    await until(clock, 1);
    expect(clock.nowMs).toBe(1);
  });
});
