export type { CommandContext } from "./command-context.ts";
export { BrokenPipeError, type Output } from "./output.ts";
export { EXIT_FAILURE, EXIT_INTERRUPTED, EXIT_OK, EXIT_USAGE, runCli } from "./run-cli.ts";
