import { syncHandler } from "@lacuna/server";
import { openServedFile } from "@lacuna/server/node";
import { expect, it, onTestFinished, vi } from "vitest";
import { AnswerCheck } from "../src/prefetch/answer-check.ts";
import { prepareDatabases } from "../src/prefetch/databases/bench-databases.ts";
import { measureOnNetwork } from "../src/prefetch/measure.ts";
import { lacuna } from "../src/prefetch/systems/lacuna.ts";
import { messageWorkloads } from "../src/prefetch/workloads/message-workloads.ts";

/** Some that ask for much in a short time, and some that compute long. */
const WORKLOADS = ["latest-of-user", "lookups-at-once", "range", "full-scan", "filtered-scan", "search"];

it("the same run costs the same on a slow machine: requests, bytes and simulated time", async () => {
  const { databases, messageCounts } = prepareDatabases(true, undefined, () => {});
  const path = databases[0]?.path ?? "";
  const served = await openServedFile(path);
  onTestFinished(() => served.close());
  const check = new AnswerCheck(path);
  onTestFinished(() => check.close());
  const raw = syncHandler({ database: served });
  const site = { path, name: served.name, handlers: { raw, compressed: raw, single: raw } };
  const profile = { rttMs: 50, bandwidthBitsPerSecond: 20_000_000, jitterMs: 5 };
  const costs = async (): Promise<unknown[]> => {
    const all: unknown[] = [];
    for (const workload of messageWorkloads(messageCounts)) {
      if (!WORKLOADS.includes(workload.id)) continue;
      const system = lacuna({ id: "l", name: "l" });
      const { work } = await measureOnNetwork(system, site, workload, profile, check);
      const { requests, sentBytes, receivedBytes, simulatedMs } = work;
      all.push({ id: workload.id, requests, sentBytes, receivedBytes, simulatedMs });
    }
    return all;
  };
  const first = await costs();
  expect(first.length).toBe(WORKLOADS.length);
  // Here a lot of time passes between any two looks at the clock.
  let nowMs = 0;
  const clock = vi.spyOn(performance, "now").mockImplementation(() => {
    nowMs += 50;
    return nowMs;
  });
  onTestFinished(() => clock.mockRestore());
  expect(await costs()).toEqual(first);
}, 120_000);
