import { type FSWatcher, watch } from "node:fs";

/**
 * Tells that a file may have changed: when the file system says so, at most once in `LEAST_MS`, and at least every
 * `pollMs`, since not every file system does.
 */
export class ChangeWatch {
  readonly #tell: () => void;
  readonly #poll: ReturnType<typeof setInterval>;
  #watcher: FSWatcher | undefined;
  #soon: ReturnType<typeof setTimeout> | undefined;

  constructor(path: string, pollMs: number, tell: () => void) {
    this.#tell = tell;
    this.#poll = setInterval(tell, pollMs);
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

  #tellSoon(): void {
    if (this.#soon !== undefined) return;
    this.#soon = setTimeout(() => {
      this.#soon = undefined;
      this.#tell();
    }, LEAST_MS);
    this.#soon.unref();
  }
}

const LEAST_MS = 5;
