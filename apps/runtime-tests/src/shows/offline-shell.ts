import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { launchChromium } from "../runtimes/chromium.ts";
import { PEOPLE, SCAN, serveChanging } from "./changing-remote.ts";
import { fact } from "./facts.ts";
import { asScript, serveShowSite } from "./show-site.ts";
import { controlledTab } from "./show-tab.ts";

/** The service worker of the README of `lacuna`, in Chromium: the site and the database are switched off, and the page goes on. */
const readme = readFileSync(new URL("../../../../packages/lacuna/README.md", import.meta.url), "utf8");
const [, worker] = /^```js\n(\/\/ worker\.js,[\s\S]*?)^```/m.exec(readme) ?? [];
if (worker === undefined) throw new Error("the README has no service worker");
const scratch = mkdtempSync(join(tmpdir(), "lacuna-shell-"));
const remote = await serveChanging(scratch);
const site = await serveShowSite({ "/worker.js": asScript(worker) });
const browser = await launchChromium();

/** Opens the replica, asks and closes. */
const ask = (tab: Page, sql: string): Promise<string> =>
  tab.evaluate(
    async ([url, text]) => {
      try {
        const connect = Reflect.get(globalThis, "connect");
        const db = await connect({ path: "app.db", url, partialSync: {}, attempts: 1 });
        return await db
          .all(text)
          .then(JSON.stringify, (error: { code: string }) => error.code)
          .finally(() => db.close());
      } catch (error) {
        return (error as { code: string }).code;
      }
    },
    [remote.urls.static, sql] as const,
  );

try {
  const tab = await controlledTab(browser, `${site.url}/`);
  const first = "SELECT id, version FROM person WHERE id = 7";
  const row = '[{"id":7,"version":0}]';
  const online = await ask(tab, first);
  fact("online", online, online === row);
  site.close();
  await remote.stop();
  const off = await fetch(`${site.url}/`).then(
    () => "answers",
    () => "is gone",
  );
  fact("the site", off, off === "is gone");
  await tab.reload();
  await tab.waitForFunction(() => "connect" in globalThis);
  const offline = await ask(tab, first);
  fact("offline, after a reload", offline, offline === row);
  const missing = await ask(tab, SCAN);
  fact(`offline, all ${PEOPLE} rows, which are not here`, missing, missing === "NETWORK");
} finally {
  await browser.close();
  site.close();
  rmSync(scratch, { recursive: true, force: true });
}
