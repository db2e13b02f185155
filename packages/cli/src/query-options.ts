import type { ConnectOptions } from "lacuna";
import type { CommandContext } from "./command-context.ts";
import { csvFormat } from "./format/csv-format.ts";
import { jsonFormat } from "./format/json-format.ts";
import type { RowFormat } from "./format/row-format.ts";
import { tableFormat } from "./format/table-format.ts";
import { bytesOption, parseArguments } from "./parse-arguments.ts";
import { type ParameterValue, parseParameter } from "./query-parameter.ts";
import { REMOTE_ARGUMENTS, readRemote } from "./remote-arguments.ts";
import { splitStatements } from "./split-statements.ts";
import { UsageError } from "./usage-error.ts";

const COMMAND = "query";
const DEFAULT_PREFIX_BYTES = 131_072;

/** What `lacuna query` was asked to do, every part of it checked. */
export interface QueryPlan {
  readonly connect: ConnectOptions;
  readonly statements: readonly PlannedStatement[];
  /** Makes a format for the next result. */
  readonly format: () => RowFormat;
  /** What separates two results. */
  readonly separator: string;
  readonly showStats: boolean;
}

/** A statement and the values for its parameters, as an argument list. */
export interface PlannedStatement {
  readonly sql: string;
  readonly parameters: readonly [] | readonly [Readonly<Record<string, ParameterValue>>];
}

/** @throws {UsageError} naming what is wrong */
export async function readQueryPlan(args: readonly string[], context: CommandContext): Promise<QueryPlan> {
  const { values, positionals } = parseArguments(COMMAND, args, {
    table: { type: "boolean" },
    json: { type: "boolean" },
    csv: { type: "boolean" },
    stats: { type: "boolean" },
    param: { type: "string", multiple: true },
    ...REMOTE_ARGUMENTS,
    prefix: { type: "string" },
    "segment-size": { type: "string" },
    prefetch: { type: "boolean" },
    "no-prefetch": { type: "boolean" },
  });
  if (values.prefetch && values["no-prefetch"]) {
    throw new UsageError("--prefetch and --no-prefetch contradict each other", COMMAND);
  }
  const [location, ...texts] = positionals;
  if (location === undefined) throw new UsageError("there is no URL", COMMAND);
  const remote = readRemote(COMMAND, location, values, context);
  const format = chooseFormat(values, context);
  const parameters = readParameters(values.param ?? []);
  return {
    connect: {
      ...remote,
      partialSync: {
        bootstrapStrategy: {
          kind: "prefix",
          length:
            values.prefix === undefined
              ? DEFAULT_PREFIX_BYTES
              : bytesOption(COMMAND, "prefix", values.prefix),
        },
        ...(values["segment-size"] === undefined
          ? {}
          : {
              segmentSize: positive(
                "segment-size",
                bytesOption(COMMAND, "segment-size", values["segment-size"]),
              ),
            }),
        ...(values["no-prefetch"] ? { prefetch: false } : {}),
      },
    },
    format,
    separator: values.json ? "" : values.csv ? "\r\n" : "\n",
    showStats: values.stats ?? false,
    statements: distribute(parameters, await readStatements(texts, context)),
  };
}

function positive(name: string, bytes: number): number {
  if (bytes > 0) return bytes;
  throw new UsageError(`--${name} must be more than 0`, COMMAND);
}

interface FormatFlags {
  readonly table?: boolean | undefined;
  readonly json?: boolean | undefined;
  readonly csv?: boolean | undefined;
}

function chooseFormat({ table, json, csv }: FormatFlags, { stdout }: CommandContext): () => RowFormat {
  const chosen = [table && "--table", json && "--json", csv && "--csv"].filter(Boolean);
  if (chosen.length > 1) throw new UsageError(`${chosen.join(" and ")} exclude each other`, COMMAND);
  if (json) return jsonFormat;
  if (csv) return csvFormat;
  return () => tableFormat({ terminalWidth: stdout.isTTY ? stdout.columns : undefined });
}

function readParameters(texts: readonly string[]): Record<string, ParameterValue> {
  const parameters: Record<string, ParameterValue> = {};
  for (const text of texts) {
    const parameter = parseParameter(text);
    if (parameter === undefined) throw new UsageError(`--param must be NAME=VALUE, got '${text}'`, COMMAND);
    parameters[parameter.name] = parameter.value;
  }
  return parameters;
}

/** Gives every statement the parameters it names: SQLite takes none that it does not. */
function distribute(
  parameters: Readonly<Record<string, ParameterValue>>,
  statements: readonly string[],
): PlannedStatement[] {
  const entries = Object.entries(parameters);
  const names = (sql: string, name: string): boolean =>
    new RegExp(`[:@$]${name.replaceAll("$", "\\$")}(?![\\p{L}\\p{N}_$])`, "u").test(sql);
  for (const [name] of entries) {
    if (!statements.some((sql) => names(sql, name))) {
      throw new UsageError(`--param ${name}: no statement has a parameter of this name`, COMMAND);
    }
  }
  return statements.map((sql) => {
    const used = entries.filter(([name]) => names(sql, name));
    return { sql, parameters: used.length === 0 ? [] : [Object.fromEntries(used)] };
  });
}

async function readStatements(texts: readonly string[], context: CommandContext): Promise<string[]> {
  if (texts.length === 0)
    throw new UsageError("there is no SQL; give a statement, or - to read from the input", COMMAND);
  const statements: string[] = [];
  for (const text of texts)
    statements.push(...splitStatements(text === "-" ? await readInput(context) : text));
  if (statements.length === 0) throw new UsageError("the SQL has no statement", COMMAND);
  return statements;
}

async function readInput({ readInput, signal }: CommandContext): Promise<string> {
  if (readInput === undefined) throw new UsageError("there is no standard input", COMMAND);
  const stopped = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
  return Promise.race([readInput(), stopped]);
}
