import type { Transport } from "@lacuna/page";

/** The credentials of an encrypted database of Turso Cloud: sent with every request, as its documentation says. */
export interface RemoteEncryptionOptions {
  /** Base64. */
  readonly key: string;
  readonly cipher: string;
}

/** Where a database lives and how it is reached. */
export interface RemoteOptions {
  /**
   * The remote: `libsql://`, `https://` or `http://` of a sync server, `https://host/file.db` of a static host,
   * `https://host/directory/manifest.lacuna` of a published directory, or `file:` of a local database. A function, for a
   * sync server, is called before every request; `null` means: offline for now.
   */
  readonly url?: string | (() => string | null) | undefined;
  /** Bearer token, or a function that is asked before every request. */
  readonly authToken?: string | (() => string | Promise<string>) | undefined;
  readonly remoteEncryption?: RemoteEncryptionOptions | undefined;
  /** Used for every request instead of the global `fetch`. */
  readonly fetch?: typeof fetch | undefined;
  /**
   * What the remote is. `"auto"` tells by the URL and by asking, which costs one request at the first opening, or more; the
   * URL of the manifest of a published directory tells without.
   * @default "auto"
   */
  readonly remote?: "auto" | "sync-server" | "static" | "published" | undefined;
  /**
   * Milliseconds without any sign of the remote after which a request fails with `TIMEOUT`.
   * @default 30000
   */
  readonly timeoutMs?: number | undefined;
  /**
   * How often a request is tried in all, when trying again is worth it.
   * @default 4
   */
  readonly attempts?: number | undefined;
  /**
   * Milliseconds on a clock that never goes back, by which the connection is measured and running ahead keeps its time.
   * @default performance.now
   */
  readonly now?: (() => number) | undefined;
  /** Takes the place of `url`. Owned and closed by the database. */
  readonly transport?: Transport | undefined;
}
