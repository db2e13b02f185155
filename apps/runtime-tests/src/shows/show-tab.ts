import type { BrowserContext, Page } from "playwright-core";

/** A tab with the page of the show, ready to be used. */
export async function newTab(browser: BrowserContext, url: string, policy?: string): Promise<Page> {
  const tab = await browser.newPage();
  await tab.goto(policy === undefined ? url : `${url}/?policy=${encodeURIComponent(policy)}`);
  await tab.waitForFunction(() => "connect" in globalThis);
  return tab;
}

/** A tab that the service worker beside its page, `worker.js`, controls. */
export async function controlledTab(browser: BrowserContext, url: string): Promise<Page> {
  const tab = await newTab(browser, url);
  await tab.evaluate(async () => {
    const { serviceWorker } = navigator;
    const controlled = new Promise((resolve) =>
      serviceWorker.addEventListener("controllerchange", resolve, { once: true }),
    );
    await serviceWorker.register("worker.js");
    await controlled;
  });
  return tab;
}
