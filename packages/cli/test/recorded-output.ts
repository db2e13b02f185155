import { BrokenPipeError, type Output } from "../src/output.ts";

export interface RecordedOutput extends Output {
  /** All that was written, joined. */
  text(): string;
  /** Resolves once the text holds `part`. */
  holds(part: string | RegExp): Promise<void>;
  /** One entry a write. */
  readonly writes: string[];
}

export interface RecordedOutputOptions {
  readonly isTTY?: boolean;
  readonly columns?: number;
  /** The reader goes away after so many writes. */
  readonly breaksAfter?: number;
}

/** An output that keeps what it is given. */
export function recordedOutput({
  isTTY = false,
  columns,
  breaksAfter,
}: RecordedOutputOptions = {}): RecordedOutput {
  const writes: string[] = [];
  const text = (): string => writes.join("");
  let written = Promise.withResolvers<void>();
  return {
    isTTY,
    columns,
    writes,
    text,
    async holds(part) {
      while (!(typeof part === "string" ? text().includes(part) : part.test(text()))) await written.promise;
    },
    async write(piece) {
      if (breaksAfter !== undefined && writes.length >= breaksAfter)
        throw new BrokenPipeError("nobody reads");
      writes.push(piece);
      written.resolve();
      written = Promise.withResolvers();
    },
  };
}
