import { type FSWatcher, watch } from "node:fs";
import { stat } from "node:fs/promises";

const LEAST_MS = 5;

/** A file that was not written to for so long has shown all there is to see. */
const QUIET_MS = 2000;

/**
 * Tells that a file may have changed: when the file system says so, at most once in `LEAST_MS`, and every `pollMs` while it was
 * written to lately, since not every file system does.
 */
export class ChangeWatch {
  readonly #path: string;
  readonly #tell: () => void;
  readonly #poll: ReturnType<typeof setInterval>;
  #watcher: FSWatcher | undefined;
  #writtenMs = 0;
  #soon: ReturnType<typeof setTimeout> | undefined;

  constructor(path: string, pollMs: number, tell: () => void) {
    this.#path = path;
    this.#tell = tell;
    this.#poll = setInterval(() => void this.#look(), pollMs);
    this.#poll.unref();
    try {
      this.#watcher = watch(path, { persistent: false }, () => this.#tellSoon());
      this.#watcher.on("error", () => this.#watcher?.close());
    } catch {
      // Asking every so often is enough where watching is impossible.
    }
  }

  close(): void {
    clearInterval(this.#poll);
    clearTimeout(this.#soon);
    this.#watcher?.close();
  }

  async #look(): Promise<void> {
    const facts = await stat(this.#path).catch(() => undefined);
    const writtenMs = facts?.mtimeMs ?? Date.now();
    const isNews = writtenMs !== this.#writtenMs;
    this.#writtenMs = writtenMs;
    if (isNews || Math.abs(Date.now() - writtenMs) < QUIET_MS) this.#tell();
  }

  #tellSoon(): void {
    if (this.#soon !== undefined) return;
    this.#soon = setTimeout(() => {
      this.#soon = undefined;
      this.#tell();
    }, LEAST_MS);
    this.#soon.unref();
  }
}
