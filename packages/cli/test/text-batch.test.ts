import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { BrokenPipeError } from "../src/output.ts";
import { TextBatch } from "../src/text-batch.ts";
import { recordedOutput } from "./recorded-output.ts";

describe("a batch of text", () => {
  it("writes pieces of one turn together", async () => {
    const output = recordedOutput();
    const batch = new TextBatch(output);
    for (const text of ["a", "", "b", "c"]) expect(batch.add(text)).toBeUndefined();
    expect(output.writes).toEqual([]);
    await batch.flush();
    expect(output.writes).toEqual(["abc"]);
  });

  it("holds nothing back while the program waits", async () => {
    const output = recordedOutput();
    const batch = new TextBatch(output);
    batch.add("ready");
    await setImmediate();
    await setImmediate();
    expect(output.writes).toEqual(["ready"]);
  });

  it("lets a producer wait for a slow reader once there is much", async () => {
    const output = recordedOutput();
    const batch = new TextBatch(output);
    await batch.add("x".repeat(100_000));
    expect(output.writes).toHaveLength(1);
  });

  it("tells of a reader that went away at the next piece", async () => {
    const batch = new TextBatch(recordedOutput({ breaksAfter: 0 }));
    batch.add("nobody");
    await setImmediate();
    await setImmediate();
    await expect(batch.add("listens")).rejects.toThrow(BrokenPipeError);
  });

  it("runs what shares the terminal before each write", async () => {
    const output = recordedOutput();
    const batch = new TextBatch(output, () => output.write("<clear>"));
    batch.add("a");
    await batch.flush();
    await batch.flush();
    expect(output.writes).toEqual(["<clear>", "a"]);
  });
});
