/** Where text goes: a stream of the process, or an array in a test. */
export interface Output {
  /** True when somebody watches: a terminal. */
  readonly isTTY: boolean;
  /** Cells of a line of the terminal, now. */
  readonly columns?: number | undefined;
  /**
   * Resolves when more may be written.
   * @throws {BrokenPipeError} when nobody reads any more
   */
  write(text: string): Promise<void>;
}

/** The reader of our output has gone, as `head` does: no failure of ours. */
export class BrokenPipeError extends Error {
  override readonly name = "BrokenPipeError";
}
