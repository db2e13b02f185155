import { expect, it } from "vitest";
import { ManualTimers } from "../src/index.ts";

it("calls back what is due, in its order, and not what was cleared", () => {
  const timers = new ManualTimers();
  const called: string[] = [];
  timers.setTimeout(() => called.push("late"), 30);
  timers.setTimeout(() => {
    called.push("early");
    timers.setTimeout(() => called.push("set by early"), 5);
  }, 10);
  timers.clearTimeout(timers.setTimeout(() => called.push("cleared"), 10));
  timers.advance(9);
  expect(called).toEqual([]);
  timers.advance(20);
  expect(called).toEqual(["early", "set by early"]);
  expect(timers.pending).toBe(1);
  timers.advance(1);
  expect(called).toEqual(["early", "set by early", "late"]);
});
