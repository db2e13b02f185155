import { closedError } from "@lacuna/page";
import type { Snapshot, WriteSource, WriteTransaction } from "@lacuna/pager";

/** Lets an instance of SQLite write, and keeps nothing of it: its transactions are rolled back. */
export class Sandbox implements WriteSource {
  /** What the instance reads now. */
  pages: Snapshot | undefined;

  snapshot(): Snapshot {
    if (this.pages === undefined) throw closedError("the sandbox");
    return this.pages;
  }

  async begin(): Promise<WriteTransaction> {
    const pages = this.snapshot();
    return {
      revision: pages.revision,
      version: pages.version,
      pageSize: pages.pageSize,
      pageCount: pages.pageCount,
      peek: (page) => pages.peek(page),
      read: (page, options) => pages.read(page, options),
      prefetch: () => Promise.resolve(),
      // SQLite writes before the end of a transaction when its memory is full.
      write: () => {},
      truncate: () => {},
      commit: () => Promise.reject(new Error("BUG: what is run ahead was to be committed")),
      rollback: () => {},
      release: () => {},
    };
  }
}
