import { type BrowserContext, chromium } from "playwright-core";
import type { Report } from "../anywhere/vitest.ts";
import type { Surroundings } from "../suites/surroundings.ts";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Chromium with an empty profile. */
export function launchChromium(): Promise<BrowserContext> {
  return chromium.launchPersistentContext("", {
    executablePath: process.env["LACUNA_CHROMIUM"] ?? "/usr/bin/chromium",
    headless: true,
    args: FLAGS,
  });
}

/** Runs the bundle on a page, which comes without any special header, and then in a worker of it. */
export async function runChromium(
  page: string,
  surroundings: (runtime: string) => Surroundings,
): Promise<{ readonly page: Report; readonly worker: Report }> {
  const browser = await launchChromium();
  try {
    const tab = await browser.newPage();
    await tab.goto(page);
    const onPage = await tab.evaluate(async (given) => {
      const script = await import("/in-browser.js" as string);
      return script.runHere(given) as Promise<Report>;
    }, surroundings("chromium"));
    const inWorker = await tab.evaluate(
      (given) =>
        new Promise<Report>((resolve, reject) => {
          const worker = new Worker("/in-browser.js", { type: "module" });
          worker.onmessage = (event) => resolve(event.data);
          worker.onerror = (event) => reject(new Error(event.message));
          worker.postMessage(given);
        }),
      surroundings("chromium-worker"),
    );
    return { page: onPage, worker: inWorker };
  } finally {
    await browser.close();
  }
}
