import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { syncHandler } from "@lacuna/server";
import { openServedFile, serveNode } from "@lacuna/server/node";
import type { Page } from "playwright-core";
import { launchChromium } from "../runtimes/chromium.ts";
import { makeSample } from "../sample.ts";
import { fact } from "./facts.ts";
import { serveShowSite } from "./show-site.ts";
import { newTab } from "./show-tab.ts";

/** Tabs of Chromium killed while they write: what is there afterwards is whole, and has everything that was promised. */
const KILLS = 20;
const OWNERS = 4;
const scratch = mkdtempSync(join(tmpdir(), "lacuna-killed-"));
const sample = join(scratch, "sample.db");
makeSample(sample);
const database = await openServedFile(sample);
const server = await serveNode({ handler: syncHandler({ database }), port: 0 });
const site = await serveShowSite({});
const browser = await launchChromium();

async function killTab(tab: Page): Promise<void> {
  const session = await browser.newCDPSession(tab);
  const crashed = new Promise((resolve) => tab.once("crash", resolve));
  session.send("Page.crash").catch(() => {});
  await crashed;
  await tab.close();
}

/** Kills the tab that owns a database which another one has open, too, again and again. */
async function killOwners(): Promise<void> {
  const connectIn = (tab: Page): Promise<void> =>
    tab.evaluate(
      async ([url, base]) => {
        const wasm = new URL("/sqlite3.wasm", base);
        const options = { path: "owned.db", url, partialSync: {}, wasm };
        Reflect.set(globalThis, "db", await Reflect.get(globalThis, "connect")(options));
      },
      [server.url, site.url] as const,
    );
  const write = (tab: Page, n: number): Promise<number[]> =>
    tab.evaluate(async (given) => {
      const db = Reflect.get(globalThis, "db");
      await db.exec("CREATE TABLE IF NOT EXISTS owned(n INTEGER PRIMARY KEY)");
      await db.run("INSERT INTO owned VALUES (?)", given);
      return (await db.all("SELECT n FROM owned ORDER BY n")).map((row: { n: number }) => row.n);
    }, n);
  let owner = await newTab(browser, site.url);
  await connectIn(owner);
  let rows: number[] = [];
  for (let n = 1; n <= OWNERS; n++) {
    const next = await newTab(browser, site.url);
    await connectIn(next);
    await write(next, 2 * n - 1);
    await killTab(owner);
    rows = await write(next, 2 * n);
    owner = next;
  }
  await owner.close();
  const wanted = Array.from({ length: 2 * OWNERS }, (_, i) => i + 1);
  fact(`owner killed, ${OWNERS} times: the next tab goes on with`, rows, `${rows}` === `${wanted}`);
}

/** Writes rows 1, 2, 3... until the tab is killed, and makes sure that each one that was promised is there afterwards. */
async function killWhileWriting(): Promise<void> {
  let promised = 0;
  let written = 0;
  let whole = 0;
  let lost = 0;
  for (let kill = 0; kill <= KILLS; kill++) {
    const tab = await newTab(browser, site.url);
    const state = await tab.evaluate(
      async ([url, base]) => {
        const db = await Reflect.get(
          globalThis,
          "connect",
        )({
          path: "killed.db",
          url,
          partialSync: {},
          wasm: new URL("/sqlite3.wasm", base),
        });
        Reflect.set(globalThis, "db", db);
        const [{ integrity_check: check }] = await db.pragma("integrity_check(5)");
        await db.exec("CREATE TABLE IF NOT EXISTS written(n INTEGER PRIMARY KEY, bytes BLOB)");
        const { rows, last } = await db.get(
          "SELECT count(*) AS rows, ifnull(max(n), 0) AS last FROM written",
        );
        return { check, rows, last };
      },
      [server.url, site.url] as const,
    );
    if (state.check === "ok" && state.rows === state.last) whole++;
    if (state.last < promised) lost++;
    written = state.last;
    if (kill === KILLS) {
      await tab.close();
      break;
    }
    const enough = written + 2 + ((kill * 7) % 5);
    const reached = new Promise<void>((resolve) => {
      void tab.exposeFunction("promised", (n: number) => {
        promised = Math.max(promised, n);
        if (n >= enough) resolve();
      });
    });
    await tab.waitForFunction(() => "promised" in globalThis);
    await tab.evaluate((from) => {
      const db = Reflect.get(globalThis, "db");
      const write = async (): Promise<void> => {
        for (let n = from; ; n++) {
          await db.run("INSERT INTO written VALUES (?, ?)", n, new Uint8Array(20_000).fill(n));
          void Reflect.get(globalThis, "promised")(n);
        }
      };
      void write();
    }, written + 1);
    await reached;
    await killTab(tab);
  }
  fact(`tab killed while writing, ${KILLS} times: found whole`, whole - 1, whole === KILLS + 1);
  fact("writes that were promised and lost", lost, lost === 0 && written >= promised);
  console.log(`     (${promised} rows were promised, ${written} are there)`);
}

try {
  await killWhileWriting();
  await killOwners();
} finally {
  await browser.close();
  site.close();
  await server.close();
  await database.close();
  rmSync(scratch, { recursive: true, force: true });
}
