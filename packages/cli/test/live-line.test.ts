import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { LiveLine, liveText } from "../src/live-line.ts";
import { recordedOutput } from "./recorded-output.ts";

const ERASE = "\r\u001b[2K";

describe("the live line", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("says requests, pages and bytes", () => {
    const counts = { requests: 1, residentPages: 31, pageCount: 7138, receivedBytes: 131_500 };
    expect(liveText(counts)).toBe("1 request, 31 of 7138 pages, 128.4 KiB");
  });

  it("is written over when it changes, and cleared at the end", async () => {
    const output = recordedOutput({ isTTY: true, columns: 80 });
    let text = "one";
    const line = new LiveLine(output, { text: async () => text });
    expect(output.writes).toEqual([]);
    await vi.advanceTimersByTimeAsync(100);
    await vi.advanceTimersByTimeAsync(100);
    text = "two";
    await vi.advanceTimersByTimeAsync(100);
    await line.stop();
    await vi.advanceTimersByTimeAsync(1000);
    await line.stop();
    expect(output.writes).toEqual([`${ERASE}one`, `${ERASE}two`, ERASE]);
  });

  it("makes way for other text and comes back", async () => {
    const output = recordedOutput({ isTTY: true, columns: 80 });
    const line = new LiveLine(output, { text: async () => "same" });
    await vi.advanceTimersByTimeAsync(100);
    await line.clear();
    await vi.advanceTimersByTimeAsync(100);
    expect(output.writes).toEqual([`${ERASE}same`, ERASE, `${ERASE}same`]);
    await line.stop();
  });

  it("leaves no trace of work done within the first interval", async () => {
    const output = recordedOutput({ isTTY: true });
    const line = new LiveLine(output, { text: async () => "quick" });
    await line.stop();
    expect(output.writes).toEqual([]);
  });

  it("does nothing where nobody watches", async () => {
    const output = recordedOutput();
    const line = new LiveLine(output, { text: async () => "text" });
    await vi.advanceTimersByTimeAsync(1000);
    await line.stop();
    expect(output.writes).toEqual([]);
  });

  it("fits into a line of the terminal", async () => {
    const output = recordedOutput({ isTTY: true, columns: 10 });
    const line = new LiveLine(output, { text: async () => "0123456789abc" });
    await vi.advanceTimersByTimeAsync(100);
    expect(output.writes).toEqual([`${ERASE}01234567…`]);
    await line.stop();
  });

  it("does not come back when what it shows is known too late", async () => {
    const output = recordedOutput({ isTTY: true });
    const slow = Promise.withResolvers<string>();
    const line = new LiveLine(output, { text: () => slow.promise });
    await vi.advanceTimersByTimeAsync(500);
    await line.stop();
    slow.resolve("late");
    await vi.advanceTimersByTimeAsync(500);
    expect(output.writes).toEqual([]);
  });

  it("gives up quietly when the terminal is gone", async () => {
    const output = recordedOutput({ isTTY: true, breaksAfter: 0 });
    const line = new LiveLine(output, { text: async () => "text" });
    await vi.advanceTimersByTimeAsync(500);
    expect(output.writes).toEqual([]);
    await line.stop().catch(() => {});
  });
});
