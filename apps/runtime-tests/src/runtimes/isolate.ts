import { readFileSync } from "node:fs";
import { Miniflare } from "miniflare";
import type { Report } from "../anywhere/vitest.ts";
import type { Surroundings } from "../suites/surroundings.ts";

/** Runs the bundle in workerd: an isolate without files, as they are at the edge of networks. */
export async function runIsolate(bundle: string, surroundings: Surroundings): Promise<Report> {
  const isolate = new Miniflare({
    modules: [{ type: "ESModule", path: "worker.js", contents: readFileSync(bundle, "utf8") }],
    compatibilityDate: "2026-07-01",
  });
  try {
    const answer = await isolate.dispatchFetch("http://isolate/", {
      method: "POST",
      body: JSON.stringify(surroundings),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`the isolate answered ${answer.status}: ${text.slice(0, 2000)}`);
    return JSON.parse(text);
  } finally {
    await isolate.dispose();
  }
}
