import { isLacunaError, LacunaError, pageIndex } from "@lacuna/page";
import { encodePullRequest, PullResponseDecoder } from "@lacuna/protocol";
import { MANIFEST_NAME } from "@lacuna/protocol/published";
import { type AbortScope, untilAborted } from "./abort-scope.ts";
import { checkMilliseconds } from "./check-count.ts";
import type { HttpAnswer } from "./http-answer.ts";
import { HttpEndpoint, type HttpOptions } from "./http-endpoint.ts";
import { rangeHeaders } from "./http-range/range-request.ts";
import { fileUrl, namesManifest } from "./published/file-url.ts";
import { httpUrl, publicUrl } from "./remote-url.ts";
import { PULL_HEADERS, pullUrl } from "./sync-server/pull-url.ts";
import { after, systemTimers, type Timers } from "./timers.ts";

/** What serves the pages: a server of the sync protocol, or any host with the database as a file or as a published directory. */
export type RemoteKind = "sync-server" | "static" | "published";

export interface DetectRemoteOptions extends Pick<HttpOptions, "authToken" | "headers" | "fetch"> {
  readonly signal?: AbortSignal | undefined;
  /**
   * The longest the asking may take, in milliseconds; `Infinity` for no limit.
   * @default 30000
   */
  readonly timeoutMs?: number | undefined;
  readonly timers?: Timers | undefined;
}

/** What one way of asking found. */
interface Finding {
  readonly kind: RemoteKind;
  /** An error if this is no remote of that kind, or it could not be found out. */
  readonly failure: LacunaError | undefined;
}

const MAGIC = "SQLite format 3\0";
const PUBLISHED_MAGIC = "lacuna-published ";
const FILE_NAME = /\.(?:db3?|sqlite3?|gpkg|mbtiles|dict)$/i;

/**
 * Finds out what is at a URL by asking, in one request if its look does not mislead, else in two or three: a URL that ends
 * like the name of a database file is asked for a few bytes first, any other for a page of the sync protocol, and last
 * for the manifest of a published directory. The URL of such a manifest and `libsql:` and `turso:` need no request. Nothing
 * is kept: opening asks again.
 * @throws {LacunaError} `NOT_A_DATABASE` if it is none, with what all ways found; `UNAUTHORIZED`, `NETWORK`,
 *   `HTTP_STATUS` (408, 425, 429, 5xx) or `TIMEOUT` if that cannot be said; `INVALID_OPTION` for anything but HTTP URLs
 * @throws `signal.reason` if aborted
 */
export async function detectRemote(
  url: string | URL,
  options: DetectRemoteOptions = {},
): Promise<RemoteKind> {
  const { timeoutMs = 30_000, timers = systemTimers, signal, ...http } = options;
  checkMilliseconds("timeoutMs", timeoutMs);
  const target = httpUrl(url);
  if (/^(?:libsql|turso):/i.test(String(url))) return "sync-server";
  if (namesManifest(target)) return "published";
  const files = new HttpEndpoint({ ...http, url: target }, "detectRemote");
  const servers = new HttpEndpoint({ ...http, url: target }, "detectRemote", pullUrl);
  const manifests = new HttpEndpoint({ ...http, url: target }, "detectRemote", (base) =>
    fileUrl(base, MANIFEST_NAME),
  );
  const scope = files.scope(signal);
  const expire = (): void =>
    scope.abort(
      new LacunaError("TIMEOUT", `${publicUrl(target)} did not say within ${timeoutMs} ms what it is`),
    );
  const callOff = after(timeoutMs, expire, timers);
  const ways = [() => askServer(servers, scope), () => askFile(files, scope)];
  if (FILE_NAME.test(target.pathname)) ways.reverse();
  ways.push(() => askManifest(manifests, scope));
  try {
    const findings: Finding[] = [];
    for (const ask of ways) {
      const finding = await untilAborted(ask(), scope.signal);
      if (finding.failure === undefined) return finding.kind;
      findings.push(finding);
    }
    throw verdict(publicUrl(target), findings);
  } finally {
    callOff();
    scope.end();
  }
}

/** The most useful error: what can be mended comes before what is final. */
function verdict(url: string, findings: readonly Finding[]): LacunaError {
  const failures = findings.flatMap(({ failure }) => (failure === undefined ? [] : [failure]));
  for (const code of ["UNAUTHORIZED", "NETWORK", "HTTP_STATUS"] as const) {
    const found = failures.find((failure) => failure.code === code);
    if (found !== undefined) return found;
  }
  const found = findings.map(({ kind, failure }) => `asked as a ${kind}: ${failure?.message}`).join("; ");
  return new LacunaError(
    "NOT_A_DATABASE",
    `neither a sync server nor a database file nor a published one at ${url}. ${found}`,
    {
      url,
    },
  );
}

/** A file if the first bytes are those of a database, whether or not the host serves ranges. */
function askFile(endpoint: HttpEndpoint, scope: AbortScope): Promise<Finding> {
  const headers = rangeHeaders({ first: 0, last: MAGIC.length - 1 });
  return find("static", () => requireBeginning(endpoint, headers, MAGIC, scope));
}

/** A published directory if a manifest begins like one. */
function askManifest(endpoint: HttpEndpoint, scope: AbortScope): Promise<Finding> {
  return find("published", () => requireBeginning(endpoint, {}, PUBLISHED_MAGIC, scope));
}

async function requireBeginning(
  endpoint: HttpEndpoint,
  headers: Readonly<Record<string, string>>,
  magic: string,
  scope: AbortScope,
): Promise<void> {
  const answer = await endpoint.send({ method: "GET", headers, urgency: "demand", signal: scope.signal });
  await requireSuccess(answer);
  let text = "";
  for await (const chunk of answer.chunks()) {
    for (const byte of chunk.subarray(0, magic.length - text.length)) text += String.fromCharCode(byte);
    if (text.length === magic.length) break;
  }
  if (text === magic) return;
  throw new LacunaError(
    "NOT_A_DATABASE",
    `answered ${answer.status} with something else (${answer.mediaType ?? "no content type"})`,
  );
}

/** A sync server if the answer begins with the header of its protocol. */
async function askServer(endpoint: HttpEndpoint, scope: AbortScope): Promise<Finding> {
  const body = encodePullRequest({ pages: [{ first: pageIndex(0), last: pageIndex(0) }] });
  return find("sync-server", async () => {
    const answer = await endpoint.send({
      method: "POST",
      headers: PULL_HEADERS,
      body,
      urgency: "demand",
      signal: scope.signal,
    });
    await requireSuccess(answer);
    const decoder = new PullResponseDecoder();
    try {
      for await (const chunk of answer.chunks()) {
        decoder.push(chunk);
        if (decoder.header !== undefined) return;
      }
      decoder.end();
    } catch (cause) {
      if (!isLacunaError(cause) || cause.code === "NETWORK") throw cause;
      const type = answer.mediaType ?? "no content type";
      throw new LacunaError("NOT_A_DATABASE", `answered ${answer.status} with something else (${type})`, {
        cause,
      });
    }
  });
}

async function requireSuccess(answer: HttpAnswer): Promise<void> {
  const { status } = answer;
  if (status >= 200 && status <= 299) return;
  const error = answer.statusError(await answer.beginning());
  const passing = status >= 500 ? status !== 501 : status === 408 || status === 425 || status === 429;
  if (passing || error.code === "UNAUTHORIZED") throw error;
  throw new LacunaError("NOT_A_DATABASE", `answered ${status}`, { cause: error });
}

async function find(kind: RemoteKind, ask: () => Promise<void>): Promise<Finding> {
  try {
    await ask();
    return { kind, failure: undefined };
  } catch (error) {
    if (isLacunaError(error)) return { kind, failure: error };
    throw error;
  }
}
