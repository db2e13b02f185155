import type { Output } from "./output.ts";

/** All that a command sees of the world, so that it runs in a test as it runs in a process. */
export interface CommandContext {
  /** Results. */
  readonly stdout: Output;
  /** Everything else: progress, statistics, errors. */
  readonly stderr: Output;
  /** The whole of the standard input, as text. Absent: there is none. */
  readonly readInput?: (() => Promise<string>) | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted when the user wants to stop. */
  readonly signal: AbortSignal;
  /** @default the runtime's own */
  readonly fetch?: typeof fetch | undefined;
}
