import { type Report, runTests } from "../anywhere/vitest.ts";
import type { Surroundings } from "../suites/surroundings.ts";

/** Run on a page or in a worker of it. */
export async function runHere(given: Surroundings): Promise<Report> {
  Reflect.set(globalThis, "lacunaSurroundings", given);
  await import("../suites/page-stores.ts");
  await import("../suites/reader.ts");
  await import("../suites/database.ts");
  await import("../suites/readme-pages.ts");
  await import("../suites/readme-sql.ts");
  return runTests();
}

if (typeof document === "undefined") {
  addEventListener("message", (event: MessageEvent<Surroundings>) => {
    void runHere(event.data).then((report) => postMessage(report));
  });
} else Reflect.set(globalThis, "runHere", runHere);
