import { LacunaError, type Transport } from "@lacuna/page";
import { deferredTransport } from "./deferred-transport.ts";
import { loaded } from "./loaded.ts";
import type { LocalFiles } from "./local-files.ts";
import { invalid } from "./option-check.ts";
import { httpUrl, remoteName } from "./remote-name.ts";
import type { RemoteOptions } from "./remote-options.ts";
import type { RemoteUse } from "./remote-use.ts";

/** The remote of a database, ready to be asked, and the name that is kept with its replica. */
export interface Remote {
  readonly transport: Transport;
  readonly name: string | undefined;
}

/** @throws {LacunaError} `INVALID_OPTION` if the URL cannot be one of a database */
export function openRemote(options: RemoteOptions, files: LocalFiles, use: RemoteUse): Remote | undefined {
  const { url, transport, attempts = 4, timeoutMs = 30_000 } = options;
  if (transport !== undefined) return { transport, name: undefined };
  if (url === undefined) return undefined;
  const patient = (bare: Transport): Transport => use.patient(bare, { attempts, timeoutMs });
  // A function may name another host each time: such a remote has no fixed name, and is what the caller says it is.
  if (typeof url === "function") {
    const bare = use.deferred(() => syncServer(url, options, use));
    return { transport: patient(bare), name: undefined };
  }
  const name = nameOf(url);
  if (name.startsWith("file:")) {
    return { transport: deferredTransport(() => files.openDatabase(url)), name };
  }
  return { transport: patient(overHttp(url, options, use)), name };
}

/** @throws {LacunaError} `INVALID_OPTION` if the URL cannot be one of a database */
export function nameOf(url: string): string {
  let name: string;
  try {
    name = remoteName(url);
  } catch (cause) {
    throw new LacunaError("INVALID_OPTION", `option url must be a URL, got ${JSON.stringify(url)}`, {
      cause,
    });
  }
  const { username, password, protocol } = new URL(httpUrl(url));
  if (username + password !== "") {
    throw new LacunaError("INVALID_OPTION", "option url must hold no user name or password: use authToken", {
      url: name,
    });
  }
  if (/^(?:https?|file):/.test(protocol)) return name;
  throw invalid(`option url must begin with libsql:, https:, http: or file:, got "${protocol}"`);
}

const fetchOf = (options: RemoteOptions): typeof fetch => options.fetch ?? globalThis.fetch;

function headersOf({ remoteEncryption }: RemoteOptions): Record<string, string> {
  if (remoteEncryption === undefined) return {};
  return {
    "x-turso-encryption-key": remoteEncryption.key,
    "x-turso-encryption-cipher": remoteEncryption.cipher,
  };
}

/** Each adapter is loaded when the remote is first asked: a program needs one of them, and not before. */
function overHttp(url: string, options: RemoteOptions, use: RemoteUse): Transport {
  if (options.remote === "static") return deferredTransport(() => staticHost(url, options));
  if (options.remote === "published") return deferredTransport(() => published(url, options));
  if (options.remote === "sync-server" || httpUrl(url) !== url) {
    return use.deferred(() => syncServer(url, options, use));
  }
  return asked(url, options, use);
}

function syncServer(
  url: NonNullable<RemoteOptions["url"]>,
  options: RemoteOptions,
  use: RemoteUse,
): Promise<Transport> {
  const { authToken, now } = options;
  return use.syncServer({ url, authToken, headers: headersOf(options), fetch: fetchOf(options), now });
}

async function staticHost(url: string, options: RemoteOptions): Promise<Transport> {
  const { httpRangeTransport } = await loaded(import("@lacuna/transport/http-range"));
  const { authToken, now } = options;
  return httpRangeTransport({ url, authToken, fetch: fetchOf(options), now });
}

async function published(url: string, options: RemoteOptions): Promise<Transport> {
  const { publishedTransport } = await loaded(import("@lacuna/transport/published"));
  const { authToken, now } = options;
  return publishedTransport({ url, authToken, fetch: fetchOf(options), now });
}

/** A remote that has to be asked what it is. */
function asked(url: string, options: RemoteOptions, use: RemoteUse): Transport {
  let requests = 0;
  const counted: typeof fetch = (input, init) => {
    requests++;
    return fetchOf(options)(input, init);
  };
  return use.deferred(
    async (signal) => {
      const { detectRemote } = await loaded(import("./detect-remote.ts"));
      const kind = await detectRemote(url, {
        authToken: options.authToken,
        headers: headersOf(options),
        fetch: counted,
        signal,
      });
      if (kind === "published") return published(url, options);
      return kind === "static" ? staticHost(url, options) : syncServer(url, options, use);
    },
    () => ({ requests, sentBytes: 0, receivedBytes: 0 }),
  );
}
