/** How a browser keeps a replica. Other runtimes have files, and take no notice. */
export interface StorageOptions {
  /**
   * Where: in the origin private file system, which reads and writes faster, or in IndexedDB, where a replica of a part of a large
   * database takes no more than that part, and gives back the room of pages that `maxBytes` drops. `"auto"`: where the replica of
   * that path is; a new one in the origin private file system if it can be used, else in IndexedDB.
   * @default "auto"
   */
  readonly kind?: "auto" | "opfs" | "indexeddb" | undefined;
  /**
   * Keep pages compressed, about half as large, at some cost whenever they are stored or read from there. A new replica is made
   * in IndexedDB then.
   * @default false
   */
  readonly compress?: boolean | undefined;
  /**
   * Ask the browser not to clear the storage of this site when room gets scarce. It may ask the user, or refuse: `stats().storage`
   * tells. Only pages can ask.
   * @default false
   */
  readonly persist?: boolean | undefined;
  /**
   * Makes the worker that lends files to a page, where a bundler does not find its script by itself: one that runs
   * `@lacuna/storage/opfs/worker`.
   */
  readonly worker?: (() => Worker) | undefined;
}

/** The storage that a browser gives this site, of which a database is a part. */
export interface StorageFacts {
  /** Bytes that everything of this site takes, about. */
  readonly usedBytes: number;
  /** Bytes that it may take, about. */
  readonly quotaBytes: number;
  /** Whether the browser leaves it alone when room gets scarce. */
  readonly persisted: boolean;
}
