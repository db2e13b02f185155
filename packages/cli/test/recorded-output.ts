import { BrokenPipeError, type Output } from "../src/output.ts";

export interface RecordedOutput extends Output {
  /** All that was written, joined. */
  text(): string;
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
  return {
    isTTY,
    columns,
    writes,
    text: () => writes.join(""),
    async write(text) {
      if (breaksAfter !== undefined && writes.length >= breaksAfter)
        throw new BrokenPipeError("nobody reads");
      writes.push(text);
    },
  };
}
