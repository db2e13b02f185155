import axe, { type AxeResults } from "axe-core";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasChromium, InspectorTab, START_MS } from "./inspector-tab.ts";

const QUERY = "SELECT word, type FROM words WHERE word = 'ocean'";
const DESKTOP = { width: 1280, height: 900 };
const PHONE = { width: 360, height: 740 };

describe.skipIf(!hasChromium)("the inspector for everybody", () => {
  let tab: InspectorTab;
  let page: Page;

  beforeAll(async () => {
    tab = await InspectorTab.open();
    page = tab.page;
  }, START_MS);

  afterAll(() => tab?.close(), START_MS);

  /** What the audit objects to: the rule, and the elements. */
  async function violations(): Promise<string[]> {
    await page.evaluate(axe.source);
    const { violations: found, passes } = await page.evaluate<AxeResults>("axe.run()");
    expect(passes.length).toBeGreaterThan(30);
    return found.flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${id}: ${target.join(" ")}: ${failureSummary}`),
    );
  }

  describe.each([
    ["light", "a desktop", DESKTOP],
    ["dark", "a desktop", DESKTOP],
    ["light", "a phone", PHONE],
    ["dark", "a phone", PHONE],
  ] as const)("in the %s on %s", (colorScheme, _, size) => {
    beforeAll(async () => {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize(size);
      expect(await page.evaluate(() => matchMedia("(prefers-color-scheme: dark)").matches)).toBe(
        colorScheme === "dark",
      );
    });

    it("passes the audit with an answer, and everything unfolded", async () => {
      await tab.run(QUERY);
      await page.evaluate(() => {
        for (const details of document.querySelectorAll("details")) details.open = true;
      });
      await page.waitForSelector("#map-table tbody tr");
      expect(await violations()).toEqual([]);
    });

    it("passes the audit with the map by tree, and a network of one's own", async () => {
      await page.check("#map-mode input[value=tree]", { force: true });
      await page.selectOption("#network", "own");
      expect(await violations()).toEqual([]);
      await page.check("#map-mode input[value=state]", { force: true });
      await page.selectOption("#network", "");
    });

    it("passes the audit with an error", async () => {
      await tab.run("SELECT missing FROM words");
      expect(await page.isVisible("#error")).toBe(true);
      expect(await violations()).toEqual([]);
    });
  });

  it("passes the audit while a query runs, and before there is a connection", async () => {
    await page.emulateMedia({ colorScheme: "light" });
    await page.setViewportSize(DESKTOP);
    await page.selectOption("#network", "400,1");
    await page.fill("#sql", "SELECT sum(length(definition)) FROM words");
    await page.click("#run");
    await page.waitForSelector("#cancel:not([hidden])");
    expect(await violations()).toEqual([]);
    await page.click("#cancel");
    await page.waitForSelector("#cancel", { state: "hidden" });
    await page.selectOption("#network", "");
    await page.fill("#url", "http://127.0.0.1:9/none.db");
    await page.click("#connect");
    await page.waitForSelector("#error:not([hidden])");
    expect(await page.isDisabled("#run")).toBe(true);
    expect(await violations()).toEqual([]);
  });

  /** Goes on by Tab, or back, to the next element of that kind, where the focus can be seen. */
  async function tabTo(selector: string, key: "Tab" | "Shift+Tab" = "Tab"): Promise<void> {
    for (let steps = 0; steps < 60; steps++) {
      await page.keyboard.press(key);
      const found = await page.evaluate(
        (wanted) => document.activeElement?.matches(`${wanted}:focus-visible`) === true,
        selector,
      );
      if (found) return;
    }
    throw new Error(`no way to ${selector} by ${key}`);
  }

  const focused = (): Promise<string | undefined> => page.evaluate(() => document.activeElement?.id);

  it("is worked from end to end without a mouse", async () => {
    await page.keyboard.press("Escape");
    await tabTo(".skip", "Shift+Tab");
    await page.keyboard.press("Enter");
    expect(await focused()).toBe("sql");

    await tabTo("#url", "Shift+Tab");
    await page.keyboard.press("Control+A");
    await page.keyboard.type(`${tab.sample}/wordnet.dict`);
    await page.keyboard.press("Enter");
    await tab.connected();
    await tabTo("#segment");
    await page.keyboard.press("ArrowDown");
    await tab.connected();
    expect(await page.inputValue("#segment")).toBe("4096");
    await tabTo("#run-ahead");
    await page.keyboard.press("Space");
    await tab.connected();
    expect(await page.isChecked("#run-ahead")).toBe(false);

    await tabTo("#sql");
    await page.keyboard.press("Control+A");
    await page.keyboard.type("SELECT word FROM words WHERE rowid < 300");
    await page.keyboard.press("Control+Enter");
    expect(await tab.ended()).toMatch(/^299 rows/);
    await tabTo("#csv");
    const [download] = await Promise.all([page.waitForEvent("download"), page.keyboard.press("Enter")]);
    expect(download.suggestedFilename()).toBe("result.csv");
    await tabTo(".result-scroll");
    await page.keyboard.press("End");
    await page.waitForFunction(() => (document.querySelector(".result-scroll")?.scrollTop ?? 0) > 0);
    await tabTo(".more");
    await page.keyboard.press("Enter");
    expect(await page.$$eval(".result tbody tr", (rows) => rows.length)).toBe(299);

    await tabTo("#history-card summary");
    if (!(await page.$eval("#history-card", (card) => (card as HTMLDetailsElement).open)))
      await page.keyboard.press("Enter");
    await tabTo("#history li:nth-child(3) button");
    await page.keyboard.press("Enter");
    expect(await focused()).toBe("sql");
    expect(await page.inputValue("#sql")).toMatch(/^SELECT /);

    await tabTo("#map-mode input");
    await page.keyboard.press("ArrowRight");
    expect(await page.isChecked("#map-mode input[value=tree]")).toBe(true);
    await tabTo("#zoom-in");
    await page.keyboard.press("Enter");
    await tabTo("#map canvas");
    await page.keyboard.press("ArrowRight");
    expect(await tab.text("#map-detail")).toMatch(/^Page 2: /);
    await tabTo("#map-table");
    await tabTo("#waterfall-run");
    await page.keyboard.press("End");
    expect(await page.inputValue("#waterfall-run")).toBe("0");
    await tabTo("#waterfall");
    await tabTo("#theme");
    const before = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    await page.keyboard.press("Enter");
    const after = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    expect(after).not.toBe(before);
  });
});
