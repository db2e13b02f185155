import type { Output } from "./output.ts";

const BATCH_CHARACTERS = 1 << 16;

/**
 * Collects small pieces of text and writes them together: when there are many, and whenever the program turns to
 * waiting, so that nothing finished is held back while the network is slow.
 */
export class TextBatch {
  readonly #output: Output;
  readonly #beforeWrite: () => Promise<void>;
  #text = "";
  #scheduled: NodeJS.Immediate | undefined;
  #writing: Promise<void> = Promise.resolve();
  #failure: unknown;

  /** @param beforeWrite runs before each write, for whoever shares the terminal */
  constructor(output: Output, beforeWrite: () => Promise<void> = async () => {}) {
    this.#output = output;
    this.#beforeWrite = beforeWrite;
  }

  /** Returns a promise only when the reader of the output is slow and must be waited for. */
  add(text: string): Promise<void> | undefined {
    if (text === "") return undefined;
    this.#text += text;
    if (this.#failure !== undefined || this.#text.length >= BATCH_CHARACTERS) return this.flush();
    this.#scheduled ??= setImmediate(() => {
      this.#scheduled = undefined;
      // The failure is kept for the next call; here is nobody to tell.
      this.flush().catch(() => {});
    });
    return undefined;
  }

  /** Writes what is there. @throws what the output threw, now or earlier */
  flush(): Promise<void> {
    if (this.#scheduled !== undefined) clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    const text = this.#text;
    this.#text = "";
    this.#writing = this.#writing.then(async () => {
      if (text === "") return;
      await this.#beforeWrite();
      await this.#output.write(text);
    });
    this.#writing.catch((error: unknown) => {
      this.#failure ??= error;
    });
    return this.#writing;
  }
}
