import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { launchChromium } from "../runtimes/chromium.ts";
import { PEOPLE, SCAN, serveChanging } from "./changing-remote.ts";
import { fact } from "./facts.ts";
import { asScript, serveShowSite } from "./show-site.ts";
import { controlledTab } from "./show-tab.ts";

/**
 * Pages behind service workers that answer out of the Cache API, tried in Chromium while the database changes: right answers
 * or typed errors, and never rows of two states.
 */
const KINDS = ["static", "published", "sync-server"] as const;
const RIGHT = "rows, rows, rows, rows";
/** What comes of `attempts`, by service worker and kind of remote. Where nothing opens there are two attempts. */
const EXPECTED: Readonly<Record<string, Readonly<Record<(typeof KINDS)[number], string>>>> = {
  "cache-first": { static: "NETWORK, NETWORK", published: RIGHT, "sync-server": "NETWORK, NETWORK" },
  lenient: { static: "rows, rows, REVISION_CHANGED, rows", published: RIGHT, "sync-server": RIGHT },
  "whole-file": { static: "rows, RANGE_UNSUPPORTED", published: RIGHT, "sync-server": RIGHT },
  slicing: { static: RIGHT, published: RIGHT, "sync-server": RIGHT },
  "part-for-all": { static: "rows, RANGE_UNSUPPORTED", published: RIGHT, "sync-server": RIGHT },
  "by-range": {
    static: "rows, rows, REVISION_CHANGED, REVISION_CHANGED",
    published: RIGHT,
    "sync-server": RIGHT,
  },
};
const scratch = mkdtempSync(join(tmpdir(), "lacuna-workers-"));
const remote = await serveChanging(scratch);
const script = (name: string): string =>
  readFileSync(new URL(`./service-workers/${name}.js`, import.meta.url), "utf8");
const site = await serveShowSite(
  Object.fromEntries(Object.keys(EXPECTED).map((name) => [`/${name}/worker.js`, asScript(script(name))])),
);
const browser = await launchChromium();

/**
 * Scans the whole database and one that comes lazily; then one that was opened, but not read, before the database changed,
 * and that one again. Those ask for parts of other lengths, whatever the link is like: what was kept of one is no use to the
 * other. Gives `rows` for right ones, or the code of the error.
 */
async function attempts(tab: Page, given: object): Promise<string> {
  const found: string[] = [];
  found.push(await scan(tab, given));
  found.push(await scan(tab, { ...given, partialSync: { prefetch: false, segmentSize: 65_536 } }));
  await tab.evaluate(
    async (options) => {
      const connect = Reflect.get(globalThis, "connect");
      Reflect.set(globalThis, "opened", await connect(options).catch(() => undefined));
    },
    { ...given, partialSync: { prefetch: false, segmentSize: 32_768 } },
  );
  await remote.change();
  if (await tab.evaluate(() => Reflect.get(globalThis, "opened") !== undefined))
    found.push(await scan(tab, undefined), await scan(tab, undefined));
  return found.join(", ");
}

/** Scans a new database with these options, or the one that is open. */
async function scan(tab: Page, options: object | undefined): Promise<string> {
  const outcome = await tab.evaluate(
    async ([given, sql]) => {
      try {
        const connect = Reflect.get(globalThis, "connect");
        const db = given === undefined ? Reflect.get(globalThis, "opened") : await connect(given);
        return (await db.get(sql)) as { n: number; low: number; high: number };
      } catch (error) {
        const { name, code } = error as { name: string; code: string };
        return name === "LacunaError" ? code : String(error);
      }
    },
    [options, SCAN] as const,
  );
  if (typeof outcome === "string") return outcome;
  const right = outcome.n === PEOPLE && outcome.low === outcome.high;
  return right ? "rows" : `WRONG ${JSON.stringify(outcome)}`;
}

try {
  for (const [name, expected] of Object.entries(EXPECTED)) {
    const tab = await controlledTab(browser, `${site.url}/${name}/`);
    for (const kind of KINDS) {
      const options = { path: ":memory:", url: remote.urls[kind], remote: kind, attempts: 1 };
      const found = await attempts(tab, options);
      fact(`${name}, ${kind}`, found, found === expected[kind]);
    }
    await tab.close();
  }
} finally {
  await browser.close();
  site.close();
  await remote.stop();
  rmSync(scratch, { recursive: true, force: true });
}
