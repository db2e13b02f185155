import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { syncHandler } from "@lacuna/server";
import { openServedFile, serveNode } from "@lacuna/server/node";
import type { Page } from "playwright-core";
import { launchChromium } from "../runtimes/chromium.ts";
import { makeSample } from "../sample.ts";
import { fact } from "./facts.ts";
import { serveShowSite } from "./show-site.ts";
import { newTab } from "./show-tab.ts";

/**
 * What goes wrong in browsers, tried in Chromium: storage that is full, scripts and WebAssembly that
 * a content security policy keeps out, no origin private file system, no network.
 */
const scratch = mkdtempSync(join(tmpdir(), "lacuna-faults-"));
const sample = join(scratch, "sample.db");
makeSample(sample);
const database = await openServedFile(sample);
const server = await serveNode({ handler: syncHandler({ database }), port: 0 });
// Six megabytes to fill storage with.
const largeFile = join(scratch, "large.db");
const made = new DatabaseSync(largeFile);
made.exec(`CREATE TABLE large(id INTEGER PRIMARY KEY, bytes BLOB);
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
    INSERT INTO large SELECT i, randomblob(3000) FROM n`);
made.close();
const largeDatabase = await openServedFile(largeFile);
const largeServer = await serveNode({ handler: syncHandler({ database: largeDatabase }), port: 0 });
const site = await serveShowSite({});
const browser = await launchChromium();

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

/** With room for a part of what a query reads, and less than a write needs; then with room again. */
async function fillStorage(options: {
  readonly path: string;
  readonly maxBytes?: number;
  readonly storage: object;
}): Promise<void> {
  const tab = await newTab(browser, site.url);
  const session = await browser.newCDPSession(tab);
  const allow = (quotaSize?: number): Promise<unknown> =>
    session.send("Storage.overrideQuotaForOrigin", {
      origin: site.url,
      ...(quotaSize === undefined ? {} : { quotaSize }),
    });
  const { usage } = await tab.evaluate(() => navigator.storage.estimate());
  await allow((usage ?? 0) + 6e6);
  const found = await tab.evaluate(
    async ([given, url, base]) => {
      const db = await Reflect.get(
        globalThis,
        "connect",
      )({
        url,
        partialSync: {},
        wasm: new URL("/sqlite3.wasm", base),
        ...given,
      });
      Reflect.set(globalThis, "db", db);
      const sql = "SELECT count(*) AS n, sum(length(bytes)) AS bytes FROM large";
      const { n, bytes } = await db.get(sql);
      const code = async (work: () => Promise<unknown>): Promise<string> =>
        work().then(
          () => "done",
          (error) => error.code,
        );
      const large =
        given.maxBytes === undefined
          ? await code(() => db.run("INSERT INTO large VALUES (10000, randomblob(20000000))"))
          : "not tried";
      const after = await code(() => db.get(sql));
      const { storage, residentPages, pageSize } = await db.stats();
      return { n, bytes, large, after, storage, held: residentPages * pageSize };
    },
    [options, largeServer.url, site.url] as const,
  );
  const { n, bytes, large, after, storage, held } = found;
  const name = `storage is full, ${options.path}`;
  fact(`${name}: a scan of more than there is room for`, { n, bytes }, n === 2000 && bytes === 6e6);
  const { maxBytes } = options;
  if (maxBytes === undefined) fact(`${name}: a write that is too large`, large, large === "STORAGE_FULL");
  else fact(`${name}: bytes of pages that are held, of ${maxBytes}`, held, held <= maxBytes);
  fact(`${name}: reading afterwards`, after, after === "done");
  console.log(`     (${held} bytes of pages are held, ${JSON.stringify(storage)})`);
  await allow();
  const again = await tab.evaluate(async () => {
    const db = Reflect.get(globalThis, "db");
    await db.run("INSERT INTO large VALUES (10001, zeroblob(100))");
    const [{ integrity_check: check }] = await db.pragma("integrity_check(5)");
    const { n } = await db.get("SELECT count(*) AS n FROM large");
    await db.close();
    return { check, n };
  });
  fact(`${name}: with room again, written and whole`, again, again.check === "ok" && again.n === 2001);
  await tab.close();
}

try {
  await fillStorage({ path: "full-opfs.db", storage: { kind: "opfs" } });
  await fillStorage({ path: "full-indexeddb.db", storage: { kind: "indexeddb" } });
  await fillStorage({
    path: "full-compressed.db",
    maxBytes: 1 << 20,
    storage: { kind: "indexeddb", compress: true },
  });

  // Storage of nobody is left from other steps: each has a path of its own.
  const blocked = await newTab(browser, site.url, "worker-src 'none'");
  const withoutWorker = await attempt(blocked, { path: "noworker.db", url: server.url });
  fact("the worker's script is blocked", shown(withoutWorker), isSeven(withoutWorker));
  const refusedWorker = await blocked.evaluate(
    () =>
      Reflect.get(
        globalThis,
        "openOpfsStore",
      )({ path: "noworker.db" }).then(
        () => ({}),
        ({ code, message }: { code: string; message: string }) => ({ code, message }),
      ) as Promise<Outcome>,
  );
  const saysWhat = refusedWorker.code === "STORAGE" && /worker-src/.test(refusedWorker.message ?? "");
  fact("the origin private file system without it", shown(refusedWorker), saysWhat);
  await blocked.close();

  const bare = await newTab(browser, site.url);
  await bare.evaluate(() => {
    // As in private windows of some browsers.
    Object.defineProperty(StorageManager.prototype, "getDirectory", { value: undefined });
  });
  const withoutOpfs = await attempt(bare, { path: "private.db", url: server.url });
  fact("no origin private file system", shown(withoutOpfs), isSeven(withoutOpfs));
  await bare.evaluate(() => {
    IDBFactory.prototype.open = () => {
      throw new DOMException("refused", "SecurityError");
    };
  });
  const withNothing = await attempt(bare, { path: "private-too.db", url: server.url });
  fact("and no IndexedDB", shown(withNothing), withNothing.code === "STORAGE");
  const inMemory = await attempt(bare, { path: ":memory:", url: server.url });
  fact("in memory it works there, too", shown(inMemory), isSeven(inMemory));
  await bare.close();

  const noWasm = await newTab(browser, site.url, "script-src 'self' 'unsafe-inline'");
  const refused = await attempt(noWasm, { path: ":memory:", url: server.url });
  const says = refused.code === "NOT_SUPPORTED" && /wasm-unsafe-eval/.test(refused.message ?? "");
  fact("WebAssembly is blocked", shown(refused), says);
  await noWasm.close();

  const tab = await newTab(browser, site.url);
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
  await largeServer.close();
  await largeDatabase.close();
  rmSync(scratch, { recursive: true, force: true });
}
