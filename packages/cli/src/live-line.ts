import { truncateToWidth } from "./format/display-width.ts";
import { printable } from "./format/printable.ts";
import { formatBytes, formatCount } from "./format/quantity.ts";
import type { Output } from "./output.ts";

/** What a query has cost so far. */
export interface LiveCounts {
  readonly requests: number;
  /** Pages held now. */
  readonly residentPages: number;
  /** Pages of the database. */
  readonly pageCount: number;
  readonly receivedBytes: number;
}

/** The counts in words: `12 requests, 31 of 7138 pages, 128.4 KiB`. */
export function liveText({ requests, residentPages, pageCount, receivedBytes }: LiveCounts): string {
  const pages = `${residentPages} of ${formatCount(pageCount, "page")}`;
  return `${formatCount(requests, "request")}, ${pages}, ${formatBytes(receivedBytes)}`;
}

export interface LiveLineOptions {
  /** Returns what to show at this moment. */
  readonly text: () => Promise<string>;
  /**
   * Milliseconds between two looks at it.
   * @default 100
   */
  readonly intervalMs?: number | undefined;
}

const ERASE_LINE = "\r\u001b[2K";

/**
 * A line on the terminal that is written over while it changes. It shows nothing until the first interval is over, so
 * that quick work leaves no flicker. On an output that is no terminal it does nothing.
 */
export class LiveLine {
  readonly #output: Output;
  readonly #text: () => Promise<string>;
  #timer: NodeJS.Timeout | undefined;
  #shown = "";
  #looking = false;

  constructor(output: Output, { text, intervalMs = 100 }: LiveLineOptions) {
    this.#output = output;
    this.#text = text;
    if (!output.isTTY) return;
    this.#timer = setInterval(() => this.#look(), intervalMs);
    this.#timer.unref();
  }

  /** Takes the line away until the next interval, so that others can write to the terminal. */
  async clear(): Promise<void> {
    if (this.#shown === "") return;
    this.#shown = "";
    await this.#output.write(ERASE_LINE);
  }

  /** Takes the line away for good. Calling it again is harmless. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    await this.clear();
  }

  #look(): void {
    if (this.#looking) return;
    this.#looking = true;
    // Whatever ails what is shown, or the terminal, is told by whoever does the work.
    this.#show()
      .catch(() => clearInterval(this.#timer))
      .finally(() => {
        this.#looking = false;
      });
  }

  async #show(): Promise<void> {
    // The last cell stays free: writing into it makes some terminals go to the next line.
    const cells = Math.max(1, (this.#output.columns ?? 80) - 1);
    const text = truncateToWidth(printable(await this.#text()), cells);
    if (text === this.#shown || this.#timer === undefined) return;
    this.#shown = text;
    await this.#output.write(ERASE_LINE + text);
  }
}
