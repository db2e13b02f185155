import { type ParseArgsOptionsConfig, parseArgs } from "node:util";
import { parseBytes } from "./format/quantity.ts";
import { UsageError } from "./usage-error.ts";

/** `parseArgs` of Node, with what it rejects as a usage error of `command`. */
export function parseArguments<const T extends ParseArgsOptionsConfig>(
  command: string,
  args: readonly string[],
  options: T,
) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    const [first = error.message] = error.message.split(/\. |\n/);
    throw new UsageError(first, command);
  }
}

/** A whole number from `least` to `most`. @throws {UsageError} that names the option */
export function integerOption(
  command: string,
  name: string,
  text: string,
  { least, most }: { readonly least: number; readonly most: number },
): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new UsageError(`--${name} must be a whole number from ${least} to ${most}, got '${text}'`, command);
}

/** A number of bytes, such as `4096`, `128k` or `1MiB`. @throws {UsageError} that names the option */
export function bytesOption(command: string, name: string, text: string): number {
  const bytes = parseBytes(text);
  if (bytes !== undefined) return bytes;
  throw new UsageError(
    `--${name} must be a number of bytes such as 4096, 128k or 1m, got '${text}'`,
    command,
  );
}
