import { isPageNo, type PageNo } from "@lacuna/page";
import type { CommandContext } from "./command-context.ts";
import { parseArguments } from "./parse-arguments.ts";
import { REMOTE_ARGUMENTS, type RemoteArguments, readRemote } from "./remote-arguments.ts";
import { UsageError } from "./usage-error.ts";

const COMMAND = "inspect";

/** What `lacuna inspect` was asked to do, every part of it checked. */
export interface InspectPlan {
  readonly remote: RemoteArguments;
  readonly json: boolean;
  /** What each B-tree takes up, and what is free. Needs the whole database. */
  readonly trees: boolean;
  /** What all pages are used for, or the one page to be told of. Needs the whole database. */
  readonly pages: "all" | PageNo | undefined;
  /** Looks for what contradicts the file format. Needs the whole database. */
  readonly check: boolean;
}

/** @throws {UsageError} naming what is wrong */
export function readInspectPlan(args: readonly string[], context: CommandContext): InspectPlan {
  const { values, positionals } = parseArguments(COMMAND, withPageOption(args), {
    ...REMOTE_ARGUMENTS,
    json: { type: "boolean" },
    trees: { type: "boolean" },
    pages: { type: "boolean" },
    page: { type: "string" },
    check: { type: "boolean" },
  });
  const [location, stranger] = positionals;
  if (location === undefined) throw new UsageError("there is no FILE or URL", COMMAND);
  if (stranger !== undefined)
    throw new UsageError(`one database at a time: '${stranger}' is too much`, COMMAND);
  const remote = readRemote(COMMAND, location, values, context);
  const { json = false, check = false, page } = values;
  const pages = page === undefined ? (values.pages ? "all" : undefined) : pageOption(page);
  // A local file costs nothing to read, so that all is told of it that was not narrowed down.
  const trees = values.trees ?? (remote.url.startsWith("file:") && !check && pages === undefined);
  return { remote, json, trees, pages, check };
}

/** `--pages` takes a number or none, which the parser of arguments does not know. */
function withPageOption(args: readonly string[]): string[] {
  const changed: string[] = [];
  const end = args.includes("--") ? args.indexOf("--") : args.length;
  for (let at = 0; at < args.length; at++) {
    const word = args[at] as string;
    const [, attached] = /^--pages=(.*)$/.exec(word) ?? [];
    const next = args[at + 1];
    if (at >= end) changed.push(word);
    else if (attached !== undefined) changed.push(`--page=${attached}`);
    else if (word === "--pages" && next !== undefined && /^\d+$/.test(next)) {
      changed.push(`--page=${next}`);
      at++;
    } else changed.push(word);
  }
  return changed;
}

function pageOption(text: string): PageNo {
  const page = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (isPageNo(page)) return page;
  throw new UsageError(`--pages takes the number of a page, from 1, got '${text}'`, COMMAND);
}
