import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { type BrowserContext, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const executablePath = process.env["LACUNA_CHROMIUM"] ?? "/usr/bin/chromium";
const hasChromium = existsSync(executablePath);
if (!hasChromium) console.warn(`the inspector's page was not tested: there is no ${executablePath}`);

/** Building the page and starting a browser takes long where much else goes on. */
const START_MS = 120_000;

/** The program as it is started by hand, until it has said where it is. */
async function startInspector(): Promise<{ program: ChildProcess; url: string; sample: string }> {
  const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));
  const program = spawn(process.execPath, ["--conditions=lacuna-source", main, "--port", "0"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const found: string[] = [];
  for await (const line of createInterface({ input: program.stdout })) {
    const [, address] = /(http:\S+)$/.exec(line) ?? [];
    if (address !== undefined) found.push(address);
    const [url, sample] = found;
    if (url !== undefined && sample !== undefined) return { program, url, sample };
  }
  throw new Error("the inspector ended before it said where it is");
}

describe.skipIf(!hasChromium)("the inspector in Chromium", () => {
  let program: ChildProcess;
  let url: string;
  let sample: string;
  let browser: BrowserContext;
  let page: Page;
  const troubles: string[] = [];
  const origins = new Set<string>();

  const text = async (selector: string): Promise<string> => (await page.textContent(selector)) ?? "";
  let connections = 0;
  /** Waits for the next connection: the page counts them. */
  const connected = (): Promise<unknown> =>
    page.waitForSelector(`#status[data-connection="${++connections}"]`, { state: "attached" });

  /** Runs a query and waits for its end. @returns what is said of its cost */
  async function run(sql: string): Promise<string> {
    await page.fill("#sql", sql);
    await page.click("#run");
    await page.waitForFunction(() => {
      const note = document.querySelector("#result-note")?.textContent ?? "";
      return document.querySelector<HTMLElement>("#cancel")?.hidden === true && note !== "Running…";
    });
    return text("#result-note");
  }

  /** The legend as numbers by name. */
  const legend = (): Promise<Record<string, number>> =>
    page.$$eval("#legend li", (items) =>
      Object.fromEntries(
        items.map((item) => {
          const number = item.querySelector("b")?.textContent ?? "";
          const name = (item.textContent ?? "").slice(0, -number.length);
          return [name, Number(number.replaceAll(",", ""))];
        }),
      ),
    );

  beforeAll(async () => {
    ({ program, url, sample } = await startInspector());
    browser = await chromium.launchPersistentContext("", {
      executablePath,
      headless: true,
      args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
      viewport: { width: 1280, height: 900 },
    });
    page = await browser.newPage();
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") troubles.push(message.text());
    });
    page.on("pageerror", (error) => troubles.push(String(error)));
    page.on("request", (request) => origins.add(new URL(request.url()).origin));
    await page.goto(url);
    await connected();
  }, START_MS);

  afterAll(async () => {
    await browser?.close();
    if (program !== undefined) {
      program.kill("SIGTERM");
      await once(program, "exit");
    }
  }, START_MS);

  it("answers a query, and shows its pages and requests", async () => {
    const before = await legend();
    expect(before).toEqual({ "Not here": 7131, Local: 8 });
    const note = await run("SELECT word, type FROM words WHERE word = 'ocean'");
    expect(note).toMatch(/^2 rows in .*requests?, \d+ pages/);
    expect(await page.$$eval(".result td", (cells) => cells.map((cell) => cell.textContent))).toEqual([
      "ocean",
      "noun",
      "ocean",
      "noun",
    ]);
    const after = await legend();
    const here = Object.entries(after).reduce(
      (sum, [name, pages]) => sum + (name === "Not here" ? 0 : pages),
      0,
    );
    expect(Object.values(after).reduce((sum, pages) => sum + pages, 0)).toBe(7139);
    expect(after["Demanded"]).toBeGreaterThan(0);
    expect(await text("#map-note")).toContain(`${here} of 7,139 pages here`);
    const pages = Number(/, (\d+) pages/.exec(note)?.[1]);
    expect(here).toBe(8 + pages);

    const requests = Number(/ (\d+) requests?,/.exec(note)?.[1]);
    const why = await page.$$eval(".waterfall tbody .why", (cells) =>
      cells.map((cell) => cell.textContent ?? ""),
    );
    expect(why).toHaveLength(requests);
    expect(why.some((words) => /^\d+: .*demanded/.test(words))).toBe(true);
    expect(await page.$eval("#map canvas", (canvas) => (canvas as HTMLCanvasElement).width)).toBeGreaterThan(
      300,
    );
  });

  it("needs no request for the same query again", async () => {
    expect(await run("SELECT word, type FROM words WHERE word = 'ocean'")).toContain("no request");
    expect(await text("#waterfall")).toContain("No request");
  });

  it("tells what page is under the focus, and goes from page to page by keys", async () => {
    await page.focus("#map canvas");
    expect(await text("#map-detail")).toMatch(/^Page 1: table leaf of sqlite_schema; here from the start/);
    await page.keyboard.press("ArrowRight");
    expect(await text("#map-detail")).toMatch(/^Page 2: table interior of words/);
    await page.keyboard.press("End");
    expect(await text("#map-detail")).toMatch(/^Page 7,139: /);
    await page.keyboard.press("+");
    await page.keyboard.press("Home");
    expect(await text("#map-detail")).toMatch(/^Page 1: /);
    await page.keyboard.press("0");
  });

  it("has the map as a table, by tree", async () => {
    await page.click("details.inner summary");
    const rows = await page.$$eval("#map-table tbody tr", (found) =>
      found.map((row) => [...row.querySelectorAll("th, td")].slice(0, 4).map((cell) => cell.textContent)),
    );
    expect(rows[0]).toEqual(["sqlite_schema", "table", "1", "1"]);
    expect(rows.map(([name]) => name)).toContain("word_idx");
    expect(rows.reduce((sum, row) => sum + Number(row[3]?.replaceAll(",", "")), 0)).toBe(7139);
    await page.click("#map-mode label:has-text('Tree')");
    expect(Object.keys(await legend())).toContain("words");
    await page.click("#map-mode label:has-text('State')");
  });

  it("is worked without a mouse: the query is run and cancelled by keys, and the focus stays where it is", async () => {
    await page.selectOption("#network", "400,1");
    await page.focus("#sql");
    await page.keyboard.press("Control+A");
    await page.keyboard.type("SELECT sum(length(definition)) FROM words");
    await page.keyboard.press("Control+Enter");
    await page.waitForSelector("#cancel:not([hidden])");
    await page.keyboard.press("Escape");
    await page.waitForSelector("#cancel", { state: "hidden" });
    expect(await text("#result-note")).toBe("Cancelled");
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("sql");
    expect(await page.isHidden("#error")).toBe(true);
    await page.selectOption("#network", "");
    expect(await run("SELECT count(*) FROM words WHERE type = 'adv'")).toMatch(/^1 row /);
  });

  it("shows errors with their code, and goes on after them", async () => {
    await run("SELECT missing FROM words");
    expect(await text("#error code")).toBe("SQLITE_ERROR");
    expect(await text("#error .message")).toContain("no such column: missing");
    expect(await run("SELECT 1 AS one")).toContain("1 row");
    expect(await page.isHidden("#error")).toBe(true);
  });

  it("obeys the controls: without prefetch pages come by segments", async () => {
    await page.selectOption("#segment", "16384");
    await connected();
    await page.uncheck("#prefetch");
    await connected();
    await page.uncheck("#run-ahead");
    await connected();
    await run("SELECT word FROM words WHERE rowid = 100000");
    const counts = await legend();
    expect(Object.keys(counts).filter((name) => name !== "Wasted" && name !== "Segment")).toEqual([
      "Not here",
      "Local",
      "Demanded",
    ]);
    expect((counts["Wasted"] ?? 0) + (counts["Segment"] ?? 0)).toBe(3 * (counts["Demanded"] ?? 0));
  });

  it("reads the same database as a file of a static host", async () => {
    await page.selectOption("#preset", `${sample}/wordnet.dict`);
    await connected();
    expect(await run("SELECT word FROM words WHERE rowid = 1")).toMatch(/^1 row /);
  });

  it("fits a phone, in the dark", async () => {
    await page.setViewportSize({ width: 360, height: 740 });
    await page.emulateMedia({ colorScheme: "dark" });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
    const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    expect(background).toBe("rgb(13, 16, 21)");
    await page.click("#theme");
    expect(await page.evaluate(() => getComputedStyle(document.body).backgroundColor)).not.toBe(background);
  });

  it("says what is wrong with an address that cannot be reached", async () => {
    expect(troubles).toEqual([]);
    await page.fill("#url", "http://127.0.0.1:9/none.db");
    await page.click("#connect");
    await page.waitForSelector("#error:not([hidden])");
    expect(await text("#error code")).toBe("NETWORK");
    expect(await page.isDisabled("#run")).toBe(true);
  });

  it("asks nobody but those it was sent to", () => {
    expect([...origins].sort()).toEqual([url, sample, "http://127.0.0.1:9"].sort());
  });
});
