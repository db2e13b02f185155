import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { handlerAsFetch, syncHandler } from "@lacuna/server";
import { hasHotJournal } from "@lacuna/transport/file";
import type { RemoteOptions } from "lacuna";

/** Where a database is read from, and what has to be ended when it was. */
export interface Reached<T> {
  readonly remote: T;
  close(): Promise<void>;
}

/**
 * A local file with a write-ahead log beside it is served within this process, so that what its writers committed is read,
 * as any reader of SQLite would. Every other remote is left as it is. So is a file whose journal waits to be
 * rolled back: SQLite would write to it, and that is not for a reader to decide.
 * @throws {LacunaError} what `openServedFile` throws
 */
export async function servedInProcess<T extends Pick<RemoteOptions, "url" | "fetch" | "remote">>(
  remote: T,
): Promise<Reached<T>> {
  const asIs = { remote, close: async () => {} };
  if (typeof remote.url !== "string" || !remote.url.startsWith("file:")) return asIs;
  const path = fileURLToPath(remote.url);
  if (!(await hasLog(path)) || (await hasHotJournal(path))) return asIs;
  // Only wanted here: it loads SQLite.
  const { openServedFile } = await import("@lacuna/server/node");
  const database = await openServedFile(path);
  const handler = syncHandler({ database });
  // Nobody outside of this process can ask for it. Replicas are kept with this name, so that it tells files apart.
  const origin = `http://${createHash("sha256").update(database.path).digest("hex").slice(0, 32)}.local`;
  return {
    remote: { ...remote, url: origin, remote: "sync-server", fetch: handlerAsFetch(handler, origin) },
    close: () => database.close(),
  };
}

async function hasLog(path: string): Promise<boolean> {
  const found = await stat(`${path}-wal`).catch(() => undefined);
  return found?.isFile() === true && found.size > 0;
}
