import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasChromium, InspectorTab, START_MS } from "./inspector-tab.ts";

describe.skipIf(!hasChromium)("the inspector in Chromium", () => {
  let tab: InspectorTab;
  let page: Page;
  const troubles: string[] = [];
  const origins = new Set<string>();

  beforeAll(async () => {
    tab = await InspectorTab.open((opened) => {
      opened.on("console", (message) => {
        if (message.type() === "error" || message.type() === "warning") troubles.push(message.text());
      });
      opened.on("pageerror", (error) => troubles.push(String(error)));
      opened.on("request", (request) => origins.add(new URL(request.url()).origin));
    });
    page = tab.page;
  }, START_MS);

  afterAll(() => tab?.close(), START_MS);

  it("answers a query, and shows its pages and requests", async () => {
    const before = await tab.legend();
    expect(before).toEqual({ "Not here": 7131, Local: 8 });
    const note = await tab.run("SELECT word, type FROM words WHERE word = 'ocean'");
    expect(note).toMatch(/^2 rows in .*requests?, \d+ pages/);
    expect(await page.$$eval(".result td", (cells) => cells.map((cell) => cell.textContent))).toEqual([
      "ocean",
      "noun",
      "ocean",
      "noun",
    ]);
    const after = await tab.legend();
    const here = Object.entries(after).reduce(
      (sum, [name, pages]) => sum + (name === "Not here" ? 0 : pages),
      0,
    );
    expect(Object.values(after).reduce((sum, pages) => sum + pages, 0)).toBe(7139);
    expect(after["Demanded"]).toBeGreaterThan(0);
    expect(await tab.text("#map-note")).toContain(`${here} of 7,139 pages here`);
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
    expect(await tab.run("SELECT word, type FROM words WHERE word = 'ocean'")).toContain("no request");
    expect(await tab.text("#waterfall")).toContain("No request");
  });

  it("tells what page is under the focus, and goes from page to page by keys", async () => {
    await page.focus("#map canvas");
    expect(await tab.text("#map-detail")).toMatch(
      /^Page 1: table leaf of sqlite_schema; here from the start/,
    );
    await page.keyboard.press("ArrowRight");
    expect(await tab.text("#map-detail")).toMatch(/^Page 2: table interior of words/);
    await page.keyboard.press("End");
    expect(await tab.text("#map-detail")).toMatch(/^Page 7,139: /);
    await page.keyboard.press("+");
    await page.keyboard.press("Home");
    expect(await tab.text("#map-detail")).toMatch(/^Page 1: /);
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
    expect(Object.keys(await tab.legend())).toContain("words");
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
    expect(await tab.text("#result-note")).toBe("Cancelled");
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("sql");
    expect(await page.isHidden("#error")).toBe(true);
    await page.selectOption("#network", "");
    expect(await tab.run("SELECT count(*) FROM words WHERE type = 'adv'")).toMatch(/^1 row /);
  });

  it("shows errors with their code, and goes on after them", async () => {
    await tab.run("SELECT missing FROM words");
    expect(await tab.text("#error code")).toBe("SQLITE_ERROR");
    expect(await tab.text("#error .message")).toContain("no such column: missing");
    expect(await tab.run("SELECT 1 AS one")).toContain("1 row");
    expect(await page.isHidden("#error")).toBe(true);
  });

  it("obeys the controls: without prefetch pages come by segments", async () => {
    await page.selectOption("#segment", "16384");
    await tab.connected();
    await page.uncheck("#prefetch");
    await tab.connected();
    await page.uncheck("#run-ahead");
    await tab.connected();
    await tab.run("SELECT word FROM words WHERE rowid = 100000");
    const counts = await tab.legend();
    expect(Object.keys(counts).filter((name) => name !== "Wasted" && name !== "Segment")).toEqual([
      "Not here",
      "Local",
      "Demanded",
    ]);
    expect((counts["Wasted"] ?? 0) + (counts["Segment"] ?? 0)).toBe(3 * (counts["Demanded"] ?? 0));
  });

  it("reads the same database as a file of a static host", async () => {
    await page.selectOption("#preset", `${tab.sample}/wordnet.dict`);
    await tab.connected();
    expect(await tab.run("SELECT word FROM words WHERE rowid = 1")).toMatch(/^1 row /);
  });

  it("fits a phone, in the dark", async () => {
    await page.setViewportSize({ width: 360, height: 740 });
    await page.emulateMedia({ colorScheme: "dark" });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
    const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    expect(background).toBe("rgb(13, 16, 21)");
    await page.waitForFunction(() => {
      const canvas = document.querySelector<HTMLCanvasElement>("#map canvas");
      // Page 1 came at opening, and cells are wider than this.
      const pixel = canvas?.getContext("2d")?.getImageData(2, 2, 1, 1).data;
      return pixel?.join() === "119,131,154,255";
    });
    await page.click("#theme");
    expect(await page.evaluate(() => getComputedStyle(document.body).backgroundColor)).not.toBe(background);
  });

  it("says what is wrong with an address that cannot be reached", async () => {
    expect(troubles).toEqual([]);
    await page.fill("#url", "http://127.0.0.1:9/none.db");
    await page.click("#connect");
    await page.waitForSelector("#error:not([hidden])");
    expect(await tab.text("#error code")).toBe("NETWORK");
    expect(await page.isDisabled("#run")).toBe(true);
  });

  it("asks nobody but those it was sent to", () => {
    expect([...origins].sort()).toEqual([tab.url, tab.sample, "http://127.0.0.1:9"].sort());
  });
});
