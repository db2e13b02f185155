#!/usr/bin/env node
import { addAbortSignal } from "node:stream";
import { text } from "node:stream/consumers";
import { nodeOutput } from "./node-output.ts";
import { EXIT_INTERRUPTED, runCli } from "./run-cli.ts";

const interruption = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) {
  process.on(name, () => {
    if (interruption.signal.aborted) process.exit(EXIT_INTERRUPTED);
    interruption.abort(new Error(`interrupted by ${name}`));
  });
}

process.exitCode = await runCli(process.argv.slice(2), {
  stdout: nodeOutput(process.stdout),
  stderr: nodeOutput(process.stderr),
  // Ended with the command: an open input would keep the process alive.
  readInput: () => text(addAbortSignal(interruption.signal, process.stdin)),
  env: process.env,
  signal: interruption.signal,
});
