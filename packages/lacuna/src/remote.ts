import { LacunaError, type Transport, type TransportTraffic } from "@lacuna/page";
import { detectRemote, withRetry, withTimeout } from "@lacuna/transport";
import { httpRangeTransport } from "@lacuna/transport/http-range";
import { syncServerTransport } from "@lacuna/transport/sync-server";
import { deferredTransport } from "./deferred-transport.ts";
import type { LocalFiles } from "./local-files.ts";
import { httpUrl, remoteName } from "./remote-name.ts";
import type { RemoteOptions } from "./remote-options.ts";

/** The remote of a database, ready to be asked, and the name that is kept with its replica. */
export interface Remote {
  readonly transport: Transport;
  readonly name: string | undefined;
}

/** @throws {LacunaError} `INVALID_OPTION` if the URL cannot be one of a database */
export function openRemote(options: RemoteOptions, files: LocalFiles): Remote | undefined {
  const { url, transport, attempts = 4, timeoutMs = 30_000 } = options;
  if (transport !== undefined) return { transport, name: undefined };
  if (url === undefined) return undefined;
  const patient = (bare: Transport): Transport => withRetry(withTimeout(bare, { timeoutMs }), { attempts });
  // A function may name another host each time: such a remote has no fixed name, and is what the caller says it is.
  if (typeof url === "function") return { transport: patient(syncServer(url, options)), name: undefined };
  const name = nameOf(url);
  if (name.startsWith("file:")) return { transport: localFile(url, files), name };
  if (options.remote === "static") return { transport: patient(staticHost(url, options)), name };
  if (options.remote === "published") return { transport: patient(published(url, options)), name };
  if (options.remote === "sync-server" || httpUrl(url) !== url) {
    return { transport: patient(syncServer(url, options)), name };
  }
  return { transport: patient(asked(url, options)), name };
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
  if (/^(?:https?|file):/.test(name)) return name;
  throw new LacunaError("INVALID_OPTION", `option url must be libsql:, https:, http: or file:, got ${name}`);
}

const NOTHING: TransportTraffic = { requests: 0, sentBytes: 0, receivedBytes: 0 };

const fetchOf = (options: RemoteOptions): typeof fetch => options.fetch ?? globalThis.fetch;

function headersOf({ remoteEncryption }: RemoteOptions): Record<string, string> {
  if (remoteEncryption === undefined) return {};
  return {
    "x-turso-encryption-key": remoteEncryption.key,
    "x-turso-encryption-cipher": remoteEncryption.cipher,
  };
}

function syncServer(url: NonNullable<RemoteOptions["url"]>, options: RemoteOptions): Transport {
  const { authToken, now } = options;
  return syncServerTransport({ url, authToken, headers: headersOf(options), fetch: fetchOf(options), now });
}

function staticHost(url: string, options: RemoteOptions): Transport {
  const { authToken, now } = options;
  return httpRangeTransport({ url, authToken, fetch: fetchOf(options), now });
}

/** A published directory, whose adapter is loaded when it is first read: most databases are none. */
function published(url: string, options: RemoteOptions): Transport {
  return deferredTransport(
    () => publishedDirectory(url, options),
    () => NOTHING,
  );
}

async function publishedDirectory(url: string, options: RemoteOptions): Promise<Transport> {
  const { publishedTransport } = await import("@lacuna/transport/published");
  const { authToken, now } = options;
  return publishedTransport({ url, authToken, fetch: fetchOf(options), now });
}

/** A local database, whose adapter is loaded when it is first read. */
function localFile(url: string, files: LocalFiles): Transport {
  return deferredTransport(
    () => files.openDatabase(url),
    () => NOTHING,
  );
}

/** A remote that has to be asked what it is. */
function asked(url: string, options: RemoteOptions): Transport {
  let requests = 0;
  const counted: typeof fetch = (input, init) => {
    requests++;
    return fetchOf(options)(input, init);
  };
  return deferredTransport(
    async (signal) => {
      const kind = await detectRemote(url, {
        authToken: options.authToken,
        headers: headersOf(options),
        fetch: counted,
        signal,
      });
      if (kind === "published") return publishedDirectory(url, options);
      return kind === "static" ? staticHost(url, options) : syncServer(url, options);
    },
    () => ({ requests, sentBytes: 0, receivedBytes: 0 }),
  );
}
