import type { BrowserContext, Page } from "playwright-core";

/** A tab with the page of the show, ready to be used. */
export async function newTab(browser: BrowserContext, url: string, policy?: string): Promise<Page> {
  const tab = await browser.newPage();
  await tab.goto(policy === undefined ? url : `${url}/?policy=${encodeURIComponent(policy)}`);
  await tab.waitForFunction(() => "connect" in globalThis);
  return tab;
}
