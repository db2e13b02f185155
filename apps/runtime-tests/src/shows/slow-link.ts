import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Page } from "playwright-core";
import { launchChromium } from "../runtimes/chromium.ts";
import { fact, peopleSql } from "./facts.ts";
import { serveShowSite } from "./show-site.ts";
import { newTab } from "./show-tab.ts";
import { SlowHost } from "./slow-host.ts";

/**
 * Shown in Chromium, on pages without any special header, over a link of 50 ms and 20 Mbit/s: the first answer out of 100 MB,
 * the same after a reload with the host of the database off, and ten tabs that take one download.
 */
const LINK = { latencyMs: 50, bitsPerSecond: 20e6 };
const scratch = mkdtempSync(join(tmpdir(), "lacuna-show-"));

function makeDatabase(name: string, bytes: number): SlowHost {
  const path = join(scratch, name);
  const db = new DatabaseSync(path);
  db.exec(peopleSql(bytes));
  db.close();
  return new SlowHost(path, LINK);
}

const large = makeDatabase("large.db", 100e6);
const small = makeDatabase("small.db", 6e6);
const site = await serveShowSite({
  "/large.db": (request, response) => large.answer(request, response),
  "/small.db": (request, response) => small.answer(request, response),
});
const browser = await launchChromium();

/** Connects on the page, once, and gives the rows of a query. */
const ask = (tab: Page, path: string, sql: string): Promise<unknown> =>
  tab.evaluate(
    async ([name, text, base]) => {
      const connect = Reflect.get(globalThis, "connect");
      const opened =
        Reflect.get(globalThis, "opened") ??
        (await connect({
          path: name,
          url: `${base}/${name}`,
          remote: "static",
          partialSync: {},
          wasm: new URL("/sqlite3.wasm", base),
        }));
      Reflect.set(globalThis, "opened", opened);
      return opened.all(text);
    },
    [path, sql, site.url] as const,
  );

try {
  const middle = Math.ceil(large.size / 2500);
  const lookup = `SELECT name FROM person WHERE id = ${middle}`;
  const wanted = JSON.stringify([{ name: `person ${middle}` }]);

  const tab = await newTab(browser, site.url);
  const isolated = await tab.evaluate(() => Reflect.get(globalThis, "crossOriginIsolated"));
  fact("the page has no special headers: crossOriginIsolated", isolated, isolated === false);
  const began = performance.now();
  const answer = JSON.stringify(await ask(tab, "large.db", lookup));
  const took = Math.round(performance.now() - began);
  fact(`first answer out of ${Math.round(large.size / 1e6)} MB`, answer, answer === wanted);
  fact("round trips to it, opening included", large.roundTrips, large.roundTrips <= 3);
  fact("bytes to it", large.bytes, large.bytes < 1e6);
  console.log(`     (${large.seen.length} requests, ${took} ms)`);

  large.isOn = false;
  await tab.reload();
  await tab.waitForFunction(() => "connect" in globalThis);
  const again = JSON.stringify(await ask(tab, "large.db", lookup));
  fact("the same after a reload, with its host off", again, again === wanted);
  await tab.close();

  const scan = "SELECT count(*) AS people, sum(length(note)) AS bytes FROM person";
  const tabs = await Promise.all(Array.from({ length: 10 }, () => newTab(browser, site.url)));
  const answers = await Promise.all(tabs.map((each) => ask(each, "small.db", scan)));
  const different = new Set(answers.map((each) => JSON.stringify(each)));
  fact("ten tabs scan one table: different answers", different.size, different.size === 1);
  const share = small.bytes / small.size;
  fact("bytes they took of the file, as a share of its size", share.toFixed(3), share > 0.5 && share < 1.05);

  // The tab that owns the database is the first that came; whichever it is, the others go on without it.
  const before = small.bytes;
  const left: unknown[] = [];
  for (const each of tabs.slice(0, 9)) {
    await each.close();
    const [last] = tabs.slice(-1);
    if (last !== undefined) left.push(await ask(last, "small.db", scan));
  }
  const same = left.every((each) => JSON.stringify(each) === [...different][0]);
  fact("nine of them are closed, one after the other: the last one still answers", left.length, same);
  fact("bytes that took", small.bytes - before, small.bytes === before);
} finally {
  await browser.close();
  site.close();
  rmSync(scratch, { recursive: true, force: true });
}
