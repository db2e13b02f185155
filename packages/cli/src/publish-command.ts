import { openServedFile } from "@lacuna/server/node";
import { type PublishDirectoryOptions, publishDirectory } from "@lacuna/server/node/publish";
import type { CommandContext } from "./command-context.ts";
import { printable } from "./format/printable.ts";
import { formatBytes, formatCount, formatPercent } from "./format/quantity.ts";
import { bytesOption, integerOption, parseArguments } from "./parse-arguments.ts";
import { UsageError } from "./usage-error.ts";

const COMMAND = "publish";

/**
 * `lacuna publish`: makes a directory of a database that any static host can serve.
 * @throws {UsageError} for a wrong command line, what the database or the directory reported, or the abort reason
 */
export async function publishCommand(args: readonly string[], context: CommandContext): Promise<void> {
  const { file, directory, json, options } = readPlan(args, context);
  const database = await openServedFile(file);
  try {
    const view = await database.open({ signal: context.signal });
    try {
      const report = await publishDirectory(view, directory, options);
      const { pageCount, pageSize, segments, bytes, writtenFiles, writtenBytes, removedFiles } = report;
      const databaseBytes = pageCount * pageSize;
      const lines = [
        `${formatCount(pageCount, "page")}, ${formatBytes(databaseBytes)}, as ${formatBytes(bytes)} (${formatPercent(bytes, databaseBytes)}) in ${formatCount(segments, "segment")}`,
        `${formatCount(writtenFiles, "new file")}, ${formatBytes(writtenBytes)}; ${formatCount(removedFiles, "file")} removed`,
        `snapshot ${report.root} in ${printable(directory)}`,
      ];
      await context.stdout.write(
        json ? `${JSON.stringify({ ...report, databaseBytes }, undefined, 2)}\n` : `${lines.join("\n")}\n`,
      );
    } finally {
      await view.close();
    }
  } finally {
    await database.close();
  }
}

interface PublishPlan {
  readonly file: string;
  readonly directory: string;
  readonly json: boolean;
  readonly options: PublishDirectoryOptions;
}

function readPlan(args: readonly string[], { signal }: CommandContext): PublishPlan {
  const { values, positionals } = parseArguments(COMMAND, args, {
    keep: { type: "string" },
    "segment-size": { type: "string", default: "128k" },
    structure: { type: "string", default: "4m" },
    prefix: { type: "string", default: "128k" },
    json: { type: "boolean", default: false },
  });
  const [file, directory, ...more] = positionals;
  if (file === undefined || directory === undefined)
    throw new UsageError(`there is no ${file === undefined ? "FILE" : "DIR"}`, COMMAND);
  if (more.length > 0) throw new UsageError(`one FILE and one DIR: '${more[0]}' is too much`, COMMAND);
  const { keep } = values;
  return {
    file,
    directory,
    json: values.json,
    options: {
      segmentBytes: bytesOption(COMMAND, "segment-size", values["segment-size"]),
      structureBytes: bytesOption(COMMAND, "structure", values.structure),
      prefixBytes: bytesOption(COMMAND, "prefix", values.prefix),
      ...(keep === undefined
        ? {}
        : { keep: integerOption(COMMAND, "keep", keep, { least: 0, most: 1_000_000 }) }),
      signal,
    },
  };
}
