import { isLacunaError, isPageNo, type PageNo } from "@lacuna/page";
import type { DatabaseHeader } from "../database-header.ts";
import type { TreeFormat } from "../tree-format.ts";
import type { Finding } from "./finding.ts";
import { type PageUse, PageUses } from "./page-uses.ts";

/** A part of a check: yields the pages it needs and is sent their bytes. */
export type Reading<T> = Generator<PageNo, T, Uint8Array>;

/** What the parts of a check share: who owns which page, and what was found. */
export class CheckContext {
  readonly header: DatabaseHeader;
  readonly format: TreeFormat;
  readonly map: PageUses;
  readonly findings: Finding[] = [];
  truncated = false;
  readonly #maxFindings: number;

  constructor(header: DatabaseHeader, format: TreeFormat, maxFindings: number) {
    this.header = header;
    this.format = format;
    this.map = new PageUses(format.pageCount);
    this.#maxFindings = maxFindings;
  }

  report(page: PageNo, offset: number, message: string, root?: PageNo): void {
    if (this.findings.length >= this.#maxFindings) this.truncated = true;
    else this.findings.push({ page, offset, message, root });
  }

  /** Runs something that may find corruption, which then is a finding. */
  attempt<T>(work: () => T, page: PageNo, root?: PageNo): T | undefined {
    try {
      return work();
    } catch (error) {
      if (!isLacunaError(error, "CORRUPT_PAGE")) throw error;
      this.report(error.page ?? page, error.offset ?? 0, describe(error), root);
      return undefined;
    }
  }

  /**
   * Takes a page for a use. @param from the page and offset that point to it
   * @returns the page, or `undefined` if it is none of the database or in use already
   */
  claim(
    value: number,
    use: PageUse,
    from: readonly [PageNo, number],
    root?: PageNo,
    parent?: PageNo,
  ): PageNo | undefined {
    const what = `expected a page for use as ${use}`;
    if (!isPageNo(value) || value > this.format.pageCount) {
      this.report(from[0], from[1], `${what}, found ${value} of ${this.format.pageCount}`, root);
      return undefined;
    }
    const known = this.map.use(value);
    if (known !== "unknown") {
      this.report(from[0], from[1], `${what}, found page ${value}, which is in use as ${known}`, root);
      return undefined;
    }
    this.map.set(value, use, root, parent);
    return value;
  }
}

/** The message without the page and offset, which a finding has on its own. */
export function describe(error: Error): string {
  return error.message.replace(/^page \d+: | at offset \d+$/g, "");
}
