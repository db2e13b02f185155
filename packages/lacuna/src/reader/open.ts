import { overflowPredictor } from "@lacuna/prefetch";
import { composeReplica } from "../compose-replica.ts";
import type { LocalFiles } from "../local-files.ts";
import type { RemoteOptions } from "../remote-options.ts";
import { checkOpenOptions } from "./check-open-options.ts";
import type { OpenOptions } from "./options.ts";
import { readUse } from "./read-use.ts";
import { Reader } from "./reader.ts";

const DEFAULT_PREFIX_BYTES = 64 * 1024;

/**
 * Opens a database that lives somewhere else, for reading without SQL.
 *
 * ```ts
 * const db = await open("https://example.com/app.db");
 * console.log(await db.table("person").get(7));
 * for await (const { name } of db.index("person_name").range({ from: "M", limit: 10 })) console.log(name);
 * await db.close();
 * ```
 *
 * @param url `libsql://`, `https://` or `http://` of a sync server, `https://host/file.db` of a static host, or `file:`
 *   of a local database; `undefined` to read a local replica only
 * @throws {LacunaError} `INVALID_OPTION` naming the option; `LOCKED`, `NOT_A_REPLICA`, `REPLICA_CORRUPT` from the path;
 *   what the remote answered
 * @throws `options.signal.reason` if aborted
 */
export type Open = (url: RemoteOptions["url"], options?: OpenOptions) => Promise<Reader>;

/** What `open` does on a runtime that has these files. */
export async function openReader(
  url: RemoteOptions["url"],
  options: OpenOptions,
  files: LocalFiles,
): Promise<Reader> {
  checkOpenOptions(url, options);
  const { path = ":memory:", prefixBytes, segmentSize, memoryBytes, bigints, signal, ...remote } = options;
  signal?.throwIfAborted();
  const replica = await composeReplica({ ...remote, url, path }, files, readUse, () => ({
    partial: { kind: "prefix", bytes: prefixBytes ?? DEFAULT_PREFIX_BYTES },
    // One page: what else is needed is asked for by name, but for the rest of a long value, which no page names.
    segmentBytes: segmentSize ?? 1,
    memoryBytes,
    prefetch: (given) => [overflowPredictor(given)],
    signal,
  }));
  return new Reader(replica, bigints ?? false);
}
