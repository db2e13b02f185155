import { describe, expect, it } from "vitest";
import { PROGRESS_STEPS, Slices } from "../src/slices.ts";

const STEPS = 3 * PROGRESS_STEPS;

function slicing(endsEarly = false) {
  const paused = { times: 0 };
  const pause = async (): Promise<void> => {
    paused.times++;
  };
  return { steps: STEPS, pause, endsEarly, paused };
}

describe("slices of a computation", () => {
  it("end after so many steps, however long these took", async () => {
    const slices = new Slices(true);
    const how = slicing();
    slices.begin(new AbortController().signal, how);
    for (let call = 1; call <= 12; call++) {
      expect(await slices.onProgress()).toBe(0);
      expect(how.paused.times).toBe(Math.floor(call / 3));
    }
    expect(slices.steps).toBe(12 * PROGRESS_STEPS);
  });

  it("are shorter where rows are handed over", async () => {
    const slices = new Slices(true);
    const how = slicing();
    slices.begin(new AbortController().signal, how);
    for (let buffers = 1; buffers <= 12; buffers++) {
      await slices.betweenRows();
      expect(how.paused.times).toBe(Math.floor(buffers / 3));
    }
  });

  it("end the statement when it was aborted meanwhile", async () => {
    const slices = new Slices(true);
    const controller = new AbortController();
    const pause = async (): Promise<void> => controller.abort(new Error("enough"));
    slices.begin(controller.signal, { steps: PROGRESS_STEPS, pause, endsEarly: false });
    expect(await slices.onProgress()).toBe(1);
    expect(slices.onProgress()).toBe(1);
    await expect(slices.betweenRows()).rejects.toThrow("enough");
  });

  it("end the statement after the first where SQLite cannot be suspended, if that is wanted", () => {
    const slices = new Slices(false);
    for (const endsEarly of [false, true]) {
      slices.begin(new AbortController().signal, slicing(endsEarly));
      const answers = [slices.onProgress(), slices.onProgress(), slices.onProgress()];
      expect(answers).toEqual([0, 0, endsEarly ? 1 : 0]);
    }
  });

  it("do not matter while nothing runs", () => {
    const slices = new Slices(true);
    slices.begin(new AbortController().signal, slicing());
    slices.end();
    for (let call = 0; call < 9; call++) expect(slices.onProgress()).toBe(0);
  });
});
