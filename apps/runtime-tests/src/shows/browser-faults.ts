import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { syncHandler } from "@lacuna/server";
import { openServedFile, serveNode } from "@lacuna/server/node";
import type { BrowserContext, Page } from "playwright-core";
import { launchChromium } from "../runtimes/chromium.ts";
import { makeSample } from "../sample.ts";
import { fact } from "./facts.ts";
import { serveShowSite } from "./show-site.ts";

/**
 * What goes wrong in browsers, tried in Chromium: tabs killed while they write, storage that is full, scripts and WebAssembly that
 * a content security policy keeps out, no origin private file system, no network.
 */
const KILLS = 20;
const scratch = mkdtempSync(join(tmpdir(), "lacuna-faults-"));
const sample = join(scratch, "sample.db");
makeSample(sample);
const database = await openServedFile(sample);
const server = await serveNode({ handler: syncHandler({ database }), port: 0 });
const site = await serveShowSite({});
const browser = await launchChromium();

async function newTab(context: BrowserContext, policy?: string): Promise<Page> {
  const tab = await context.newPage();
  await tab.goto(policy === undefined ? site.url : `${site.url}/?policy=${encodeURIComponent(policy)}`);
  await tab.waitForFunction(() => "connect" in globalThis);
  return tab;
}

interface Outcome {
  readonly rows?: unknown;
  readonly code?: string;
  readonly message?: string;
}

/** Connects, asks and closes; tells how it ended. */
const attempt = (
  tab: Page,
  options: object,
  sql = "SELECT name FROM person WHERE id = 7",
): Promise<Outcome> =>
  tab.evaluate(
    async ([given, text, base]) => {
      const { offline, ...rest } = given as { offline?: boolean };
      try {
        const db = await Reflect.get(
          globalThis,
          "connect",
        )({
          partialSync: {},
          wasm: new URL("/sqlite3.wasm", base),
          ...(offline === true
            ? { fetch: () => Promise.reject(new TypeError("no network")), attempts: 1 }
            : {}),
          ...rest,
        });
        try {
          return { rows: await db.all(text) };
        } finally {
          await db.close();
        }
      } catch (error) {
        const { code, message } = error as { code: string; message: string };
        return { code, message };
      }
    },
    [options, sql, site.url] as const,
  );

const shown = ({ rows, code, message }: Outcome): string =>
  rows === undefined ? `${code}: ${message}` : JSON.stringify(rows);
const isSeven = ({ rows }: Outcome): boolean => JSON.stringify(rows) === '[{"name":"person 7"}]';

/** Writes rows 1, 2, 3... until the tab is killed, and makes sure that each one that was promised is there afterwards. */
async function killWhileWriting(): Promise<void> {
  let promised = 0;
  let written = 0;
  let whole = 0;
  let lost = 0;
  for (let kill = 0; kill <= KILLS; kill++) {
    const tab = await newTab(browser);
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
    const enough = written + 3 + ((kill * 7) % 11);
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
    const session = await browser.newCDPSession(tab);
    const crashed = new Promise((resolve) => tab.once("crash", resolve));
    session.send("Page.crash").catch(() => {});
    await crashed;
    await tab.close();
  }
  fact(`tab killed while writing, ${KILLS} times: found whole`, whole - 1, whole === KILLS + 1);
  fact("writes that were promised and lost", lost, lost === 0 && written >= promised);
  console.log(`     (${promised} rows were promised, ${written} are there)`);
}

try {
  await killWhileWriting();

  // Storage of nobody is left from other steps: each has a path of its own.
  const blocked = await newTab(browser, "worker-src 'none'");
  const withoutWorker = await attempt(blocked, { path: "noworker.db", url: server.url });
  fact("the worker's script is blocked", shown(withoutWorker), isSeven(withoutWorker));
  await blocked.close();

  const noWasm = await newTab(browser, "script-src 'self' 'unsafe-inline'");
  const refused = await attempt(noWasm, { path: ":memory:", url: server.url });
  const says = refused.code === "NOT_SUPPORTED" && /wasm-unsafe-eval/.test(refused.message ?? "");
  fact("WebAssembly is blocked", shown(refused), says);
  await noWasm.close();

  const tab = await newTab(browser);
  const offline = await attempt(tab, { path: "offline.db", url: server.url, offline: true });
  fact("no network at the first start", shown(offline), offline.code === "NETWORK");
  const online = await attempt(tab, { path: "offline.db", url: server.url });
  fact("and with the network afterwards", shown(online), isSeven(online));
  const later = await attempt(tab, { path: "offline.db", url: server.url, offline: true });
  fact("no network at a later start", shown(later), isSeven(later));
  await tab.close();
} finally {
  await browser.close();
  site.close();
  await server.close();
  await database.close();
  rmSync(scratch, { recursive: true, force: true });
}
