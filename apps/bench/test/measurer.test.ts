import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { prepareDatabases } from "../src/prefetch/databases/bench-databases.ts";
import { MeasurementError, Measurer } from "../src/prefetch/measurer.ts";
import { bePatient, type Patience } from "../src/prefetch/patience.ts";
import type { Workload } from "../src/prefetch/workloads/workload.ts";

const network = { rttMs: 50, bandwidthBitsPerSecond: 20_000_000 };
const PATIENCE = 200_000;
const LONG: Patience = { processorSeconds: 60, seconds: 100 };

const workload = (sql: string): Workload => ({
  id: "test",
  name: "test",
  database: "messages",
  statements: [{ sql }],
});

describe("a process that measures", () => {
  const directory = mkdtempSync(join(tmpdir(), "lacuna-bench-"));
  let path = "";
  let measurer: Measurer;
  beforeAll(() => {
    path = prepareDatabases(true, undefined, () => {}).databases[0]?.path ?? "";
    for (const name of ["TMPDIR", "TEMP"]) vi.stubEnv(name, directory);
    measurer = new Measurer();
  });
  afterAll(() => {
    measurer.close();
    vi.unstubAllEnvs();
    rmSync(directory, { recursive: true, force: true });
  });

  const measure = (system: string, sql: string, patience: Patience): Promise<unknown> =>
    measurer.measure({ kind: "workload", path, system, workload: workload(sql), network }, patience);

  it("is ended when it computes for ever, and the next one measures", { timeout: PATIENCE }, async () => {
    const endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
    const late = await measure("sqlite-wasm-http", endless, { processorSeconds: 5, seconds: 60 }).catch(
      (error: unknown) => error,
    );
    expect(late).toBeInstanceOf(MeasurementError);
    expect(late).toMatchObject({
      kind: "late",
      message: expect.stringMatching(/^no answer in (5 s of processor time|60 s)$/),
    });
    const found = await measure("sqlite-wasm-http", "SELECT name FROM users WHERE id = 3", LONG);
    expect(found).toMatchObject({ work: { requests: expect.any(Number) } });
  });

  it("tells what goes wrong in it", { timeout: PATIENCE }, async () => {
    await expect(measure("lacuna", "SELECT absent", LONG)).rejects.toMatchObject({
      kind: "error",
      message: expect.stringContaining("no such column: absent"),
    });
  });

  it("leaves no files behind", () => {
    expect(readdirSync(directory).length).toBe(1);
    measurer.close();
    expect(readdirSync(directory)).toEqual([]);
  });
});

it("patience with a process that waits ends in real time", async () => {
  const late = await new Promise((resolve) => {
    const end = bePatient(process.pid, { processorSeconds: 1000, seconds: 0.1 }, (what) => {
      end();
      resolve(what);
    });
  });
  expect(late).toBe("0.1 s");
});
