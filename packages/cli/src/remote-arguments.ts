import { pathToFileURL } from "node:url";
import type { RemoteOptions } from "lacuna";
import type { CommandContext } from "./command-context.ts";
import { integerOption } from "./parse-arguments.ts";
import { UsageError } from "./usage-error.ts";

/** The options of every command that reads a database wherever it lives. */
export const REMOTE_ARGUMENTS = {
  path: { type: "string" },
  "auth-token": { type: "string" },
  remote: { type: "string" },
  timeout: { type: "string" },
} as const;

const REMOTE_KINDS = ["static", "published", "sync-server"] as const;
type RemoteKind = (typeof REMOTE_KINDS)[number];

interface RemoteValues {
  readonly path?: string | undefined;
  readonly "auth-token"?: string | undefined;
  readonly remote?: string | undefined;
  readonly timeout?: string | undefined;
}

/** Where the database lives and how it is reached, as `connect` and `open` take it. */
export interface RemoteArguments extends Pick<RemoteOptions, "authToken" | "remote" | "timeoutMs" | "fetch"> {
  readonly url: string;
  readonly path: string;
  readonly signal: AbortSignal;
}

/** @throws {UsageError} that names what is wrong */
export function readRemote(
  command: string,
  location: string,
  values: RemoteValues,
  context: CommandContext,
): RemoteArguments {
  const url = databaseUrl(command, location);
  const isLocal = url.startsWith("file:");
  const authToken = values["auth-token"] ?? (isLocal ? undefined : context.env["LACUNA_AUTH_TOKEN"]);
  const remote = remoteKind(command, values.remote);
  return {
    url,
    path: values.path ?? ":memory:",
    ...(authToken === undefined || authToken === "" ? {} : { authToken }),
    ...(remote === undefined ? {} : { remote }),
    ...(values.timeout === undefined
      ? {}
      : { timeoutMs: integerOption(command, "timeout", values.timeout, { least: 1, most: 2 ** 31 - 1 }) }),
    ...(context.fetch === undefined ? {} : { fetch: context.fetch }),
    signal: context.signal,
  };
}

/** A URL as it is, anything else as a local file. */
function databaseUrl(command: string, location: string): string {
  // One letter before the colon is a drive of Windows.
  if (!/^[a-z][a-z\d+.-]+:/i.test(location)) return pathToFileURL(location).href;
  if (!URL.canParse(location)) throw new UsageError(`'${location}' is not a URL`, command);
  const scheme = new URL(location).protocol;
  if (["http:", "https:", "libsql:", "turso:", "file:"].includes(scheme)) return location;
  throw new UsageError(`the URL must be http:, https:, libsql: or file:, got '${scheme}'`, command);
}

function remoteKind(command: string, kind: string | undefined): RemoteKind | undefined {
  const found = REMOTE_KINDS.find((each) => each === kind);
  if (found !== undefined || kind === undefined) return found;
  throw new UsageError(`--remote must be static, published or sync-server, got '${kind}'`, command);
}
