import type { CommandContext } from "../src/command-context.ts";
import { runCli } from "../src/run-cli.ts";
import { type RecordedOutput, recordedOutput } from "./recorded-output.ts";

export interface Run {
  readonly code: Promise<number>;
  readonly stdout: RecordedOutput;
  readonly stderr: RecordedOutput;
  /** What Ctrl-C does. */
  stop(): void;
}

export interface RunOptions {
  readonly stdout?: RecordedOutput;
  readonly stderr?: RecordedOutput;
  readonly input?: string;
  readonly env?: CommandContext["env"];
  readonly fetch?: typeof fetch;
}

/** Starts a command line as the process would. */
export function start(argv: readonly string[], options: RunOptions = {}): Run {
  const { stdout = recordedOutput(), stderr = recordedOutput(), input, env = {}, fetch } = options;
  const interruption = new AbortController();
  const code = runCli(argv, {
    stdout,
    stderr,
    env,
    signal: interruption.signal,
    ...(input === undefined ? {} : { readInput: async () => input }),
    ...(fetch === undefined ? {} : { fetch }),
  });
  return { code, stdout, stderr, stop: () => interruption.abort(new Error("interrupted")) };
}

/** Runs a command line to its end. */
export async function run(
  argv: readonly string[],
  options: RunOptions = {},
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const { code, stdout, stderr } = start(argv, options);
  return { code: await code, out: stdout.text(), err: stderr.text() };
}
