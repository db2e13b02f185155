import { readFileSync } from "node:fs";
import { isLacunaError } from "@lacuna/page";
import type { CommandContext } from "./command-context.ts";
import { printable } from "./format/printable.ts";
import { COMMAND_NAMES, commandHelp, GENERAL_HELP } from "./help.ts";
import { BrokenPipeError } from "./output.ts";
import { UsageError } from "./usage-error.ts";

/** The command did its work. */
export const EXIT_OK = 0;
/** The command could not do its work; the standard error says why. */
export const EXIT_FAILURE = 1;
/** The command line is wrong. */
export const EXIT_USAGE = 2;
/** The user stopped the command. */
export const EXIT_INTERRUPTED = 130;

/**
 * Runs one command line, without the name of the program. Never rejects: what goes wrong is written to
 * `context.stderr`.
 * @returns the exit code
 */
export async function runCli(argv: readonly string[], context: CommandContext): Promise<number> {
  try {
    await dispatch(argv, context);
    return EXIT_OK;
  } catch (error) {
    // Nobody reads the output any more: that is how `head` ends its producers.
    if (error instanceof BrokenPipeError) return EXIT_OK;
    if (context.signal.aborted && error === context.signal.reason) return EXIT_INTERRUPTED;
    await context.stderr.write(explain(error)).catch(() => {});
    return error instanceof UsageError ? EXIT_USAGE : EXIT_FAILURE;
  }
}

async function dispatch(argv: readonly string[], context: CommandContext): Promise<void> {
  const [command, ...rest] = argv;
  if (command === undefined) throw new UsageError("there is no command");
  if (command === "-h" || command === "--help") return context.stdout.write(GENERAL_HELP);
  if (command === "-V" || command === "--version") return context.stdout.write(`${version()}\n`);
  if (command === "help") return context.stdout.write(helpFor(rest));
  const help = commandHelp(command);
  if (help === undefined) {
    const what = command.startsWith("-") ? "option" : "command";
    throw new UsageError(`unknown ${what} '${command}'; commands are ${COMMAND_NAMES.join(", ")}`);
  }
  const beforeOperands = rest.slice(0, rest.includes("--") ? rest.indexOf("--") : undefined);
  if (beforeOperands.some((word) => word === "-h" || word === "--help")) return context.stdout.write(help);
  // Each command is loaded only when it is wanted: help should not wait for SQLite.
  if (command === "inspect") return (await import("./inspect-command.ts")).inspectCommand(rest, context);
  if (command === "publish") return (await import("./publish-command.ts")).publishCommand(rest, context);
  if (command === "serve") return (await import("./serve-command.ts")).serveCommand(rest, context);
  return (await import("./query-command.ts")).queryCommand(rest, context);
}

function helpFor([command, ...rest]: readonly string[]): string {
  if (command === undefined) return GENERAL_HELP;
  const help = commandHelp(command);
  if (help !== undefined && rest.length === 0) return help;
  throw new UsageError(
    `there is no help for '${[command, ...rest].join(" ")}'; commands are ${COMMAND_NAMES.join(", ")}`,
  );
}

function explain(error: unknown): string {
  if (error instanceof UsageError) {
    const topic = error.command === undefined ? "lacuna --help" : `lacuna help ${error.command}`;
    return `error: ${printable(error.message)}\nTry '${topic}'.\n`;
  }
  const message = printable(error instanceof Error ? error.message : String(error));
  return isLacunaError(error) ? `error: ${message} (${error.code})\n` : `error: ${message}\n`;
}

function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  if (typeof manifest === "object" && manifest !== null && "version" in manifest)
    return String(manifest.version);
  throw new Error("BUG: package.json has no version");
}
