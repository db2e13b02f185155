import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { DatabaseSync } from "node:sqlite";
import { launchChromium } from "../runtimes/chromium.ts";
import { fact } from "./facts.ts";
import { serveShowSite } from "./show-site.ts";
import { newTab } from "./show-tab.ts";

/**
 * What a page needs of a static host of another origin, tried in Chromium: the headers that the host has to expose, and whether
 * it is asked for permission.
 */
const writer = new DatabaseSync(":memory:");
writer.exec(
  "CREATE TABLE person(id INTEGER PRIMARY KEY, name TEXT); INSERT INTO person VALUES (7, 'person 7')",
);
const file = writer.serialize();

/** What the host answers besides the file, and what it was asked. */
let given: Readonly<Record<string, string>> = {};
let seen: { readonly method: string; readonly headers: IncomingHttpHeaders }[] = [];
const host = createServer(({ method = "", headers }, response) => {
  seen.push({ method, headers });
  for (const [name, value] of Object.entries(given)) response.setHeader(name, value);
  if (method === "OPTIONS") return void response.writeHead(204).end();
  const [, first = "0", last = ""] = /^bytes=(\d+)-(\d*)$/.exec(headers.range ?? "") ?? [];
  const end = Math.min(last === "" ? file.length : Number(last) + 1, file.length);
  response.writeHead(206, {
    etag: '"1"',
    "last-modified": "Sun, 01 Nov 2026 10:00:00 GMT",
    "content-range": `bytes ${first}-${end - 1}/${file.length}`,
  });
  response.end(file.subarray(Number(first), end));
});
await new Promise<void>((resolve) => host.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${(host.address() as AddressInfo).port}/data.db`;
const site = await serveShowSite({});
const browser = await launchChromium();

const anybody = { "access-control-allow-origin": "*" };
const exposing = (names: string): object => ({ ...anybody, "access-control-expose-headers": names });
const BOTH = "Content-Range, ETag";
const token = { authToken: "t" };
const allowing = { ...exposing(BOTH), "access-control-allow-headers": "authorization" };
const ROWS = '[{"name":"person 7"}]';

/** What the host gives, the options of `connect`, the outcome, and how often permission is asked for. */
const CASES: readonly (readonly [string, object, object, string, number])[] = [
  ["lets nobody in", {}, {}, "NETWORK", 0],
  ["exposes nothing", anybody, {}, "PROTOCOL", 0],
  ["exposes Content-Range", exposing("Content-Range"), {}, ROWS, 0],
  ["exposes Content-Range and ETag", exposing(BOTH), {}, ROWS, 0],
  ["permits no headers, with a token", exposing(BOTH), token, "NETWORK", 1],
  ["permits Authorization, with a token", allowing, token, ROWS, 1],
];

try {
  const tab = await newTab(browser, site.url);
  for (const [what, headers, options, expected, questions] of CASES) {
    given = headers as typeof given;
    seen = [];
    const found = await tab.evaluate(
      async (chosen) => {
        try {
          const connect = Reflect.get(globalThis, "connect");
          const db = await connect({ path: ":memory:", remote: "static", attempts: 1, ...chosen });
          return JSON.stringify(await db.all("SELECT name FROM person WHERE id = 7"));
        } catch (error) {
          return (error as { code: string }).code;
        }
      },
      { url, partialSync: {}, ...options },
    );
    fact(`a host that ${what}`, found, found === expected);
    const asked = seen.filter(({ method }) => method === "OPTIONS").length;
    fact("  is asked for permission, times", asked, asked === questions);
  }
} finally {
  await browser.close();
  site.close();
  host.closeAllConnections();
  host.close();
}
