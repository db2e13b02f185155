import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { type BrowserContext, chromium, type Page } from "playwright-core";

const executablePath = process.env["LACUNA_CHROMIUM"] ?? "/usr/bin/chromium";
export const hasChromium = existsSync(executablePath);
if (!hasChromium) console.warn(`the inspector's page was not tested: there is no ${executablePath}`);

/** Building the page and starting a browser takes long where much else goes on. */
export const START_MS = 120_000;

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

/** The inspector in a tab of Chromium. */
export class InspectorTab {
  readonly page: Page;
  readonly url: string;
  readonly sample: string;
  readonly #program: ChildProcess;
  readonly #browser: BrowserContext;
  #connections = 0;

  private constructor(
    program: ChildProcess,
    browser: BrowserContext,
    page: Page,
    { url, sample }: { readonly url: string; readonly sample: string },
  ) {
    this.#program = program;
    this.#browser = browser;
    this.page = page;
    this.url = url;
    this.sample = sample;
  }

  /** @param prepare called before the page is loaded */
  static async open(prepare: (page: Page) => void = () => {}): Promise<InspectorTab> {
    const { program, url, sample } = await startInspector();
    const browser = await chromium.launchPersistentContext("", {
      executablePath,
      headless: true,
      args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
      viewport: { width: 1280, height: 900 },
    });
    const page = await browser.newPage();
    prepare(page);
    const tab = new InspectorTab(program, browser, page, { url, sample });
    await page.goto(url);
    await tab.connected();
    return tab;
  }

  async text(selector: string): Promise<string> {
    return (await this.page.textContent(selector)) ?? "";
  }

  /** Waits for the next connection: the page counts them. */
  async connected(): Promise<void> {
    await this.page.waitForSelector(`#status[data-connection="${++this.#connections}"]`, {
      state: "attached",
    });
  }

  /** Runs a query and waits for its end. @returns what is said of its cost */
  async run(sql: string): Promise<string> {
    await this.page.fill("#sql", sql);
    await this.page.click("#run");
    return this.ended();
  }

  /** Waits for the end of the query that runs. @returns what is said of its cost */
  async ended(): Promise<string> {
    await this.page.waitForFunction(() => {
      const note = document.querySelector("#result-note")?.textContent ?? "";
      return document.querySelector<HTMLElement>("#cancel")?.hidden === true && note !== "Running…";
    });
    return this.text("#result-note");
  }

  /** The legend as numbers by name. */
  legend(): Promise<Record<string, number>> {
    return this.page.$$eval("#legend li", (items) =>
      Object.fromEntries(
        items.map((item) => {
          const number = item.querySelector("b")?.textContent ?? "";
          const name = (item.textContent ?? "").slice(0, -number.length);
          return [name, Number(number.replaceAll(",", ""))];
        }),
      ),
    );
  }

  async close(): Promise<void> {
    await this.#browser.close();
    this.#program.kill("SIGTERM");
    await once(this.#program, "exit");
  }
}
