import { stat } from "node:fs/promises";
import { LacunaError } from "@lacuna/page";
import { type Handler, syncHandler } from "@lacuna/server";
import { openServedFile, serveNode } from "@lacuna/server/node";
import type { CommandContext } from "./command-context.ts";
import { printable } from "./format/printable.ts";
import { formatBytes, formatCount } from "./format/quantity.ts";
import { integerOption, parseArguments } from "./parse-arguments.ts";
import { UsageError } from "./usage-error.ts";

const COMMAND = "serve";
const LOOPBACK = /^(localhost|127(\.\d+){3}|\[?::1\]?)$/i;

/**
 * `lacuna serve`: serves a database until the signal of the context is aborted, then lets running requests finish.
 * @throws {UsageError} for a wrong command line, or what kept it from serving
 */
export async function serveCommand(args: readonly string[], context: CommandContext): Promise<void> {
  const { values, positionals } = parseArguments(COMMAND, args, {
    port: { type: "string", default: "8080" },
    host: { type: "string", default: "127.0.0.1" },
    "auth-token": { type: "string" },
    verbose: { type: "boolean", default: false },
  });
  const [file, ...more] = positionals;
  if (file === undefined) throw new UsageError("there is no FILE", COMMAND);
  if (more.length > 0)
    throw new UsageError(`there is one FILE to serve, got also '${more.join("', '")}'`, COMMAND);
  const port = integerOption(COMMAND, "port", values.port, { least: 0, most: 65_535 });
  const { host } = values;
  const given = values["auth-token"] ?? context.env["LACUNA_AUTH_TOKEN"] ?? "";
  const authToken = given === "" ? undefined : given;

  const served = await openServedFile(await existingFile(file));
  try {
    const handler = syncHandler({
      database: served,
      authToken,
      onError: (error, request) => {
        const message = printable(error instanceof Error ? error.message : String(error));
        void note(context, `error: ${request.method} ${pathOf(request)}: ${message}`);
      },
    });
    const logged = values.verbose ? withRequestLog(handler, (line) => void note(context, line)) : handler;
    const server = await serveNode({ handler: logged, port, host });
    try {
      await announce(server.url, served.name, context);
      if (authToken === undefined && !LOOPBACK.test(host)) {
        await note(
          context,
          `warning: everybody who can reach ${host} may read the database; set --auth-token`,
        );
      }
      await untilAborted(context.signal);
      if (values.verbose) await note(context, "stopping when the answers under way are finished");
    } finally {
      await server.close();
    }
  } finally {
    await served.close();
  }

  async function announce(url: string, name: string, { stdout }: CommandContext): Promise<void> {
    const base = url.endsWith("/") ? url : `${url}/`;
    const view = await served.open();
    const { pageCount, pageSize } = view;
    await view.close();
    const size = `${formatBytes(pageCount * pageSize)} in ${formatCount(pageCount, "page")}`;
    await stdout.write(
      `Serving ${printable(name)}, ${size}\n  sync    ${base}\n  static  ${base}${encodeURIComponent(name)}\n`,
    );
  }
}

/** @throws {LacunaError} that says what is wrong with the path in the words of the user */
async function existingFile(path: string): Promise<string> {
  const found = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    const reason = cause.code === "ENOENT" ? "there is no such file" : cause.message;
    throw new LacunaError("STORAGE", `${path}: ${reason}`, { path, cause });
  });
  if (found.isFile()) return path;
  throw new LacunaError("NOT_A_DATABASE", `${path}: expected a database file, found a directory or device`, {
    path,
  });
}

function withRequestLog(handler: Handler, tell: (line: string) => void): Handler {
  return async (request) => {
    const started = performance.now();
    const range = request.headers.get("range");
    const what = `${request.method} ${pathOf(request)}${range === null ? "" : ` ${printable(range)}`}`;
    const took = (): string => `${(performance.now() - started).toFixed(1)} ms`;
    try {
      const response = await handler(request);
      tell(`${what} ${response.status} ${took()}`);
      return response;
    } catch (error) {
      tell(`${what} aborted ${took()}`);
      throw error;
    }
  };
}

const pathOf = (request: Request): string => printable(new URL(request.url).pathname);

/** A line for the operator. Where nobody reads it, the server goes on. */
const note = ({ stderr }: CommandContext, line: string): Promise<void> =>
  stderr.write(`${line}\n`).catch(() => {});

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
