import { openReplica, type Replica, type ReplicaOptions } from "@lacuna/sync";
import { emptyDatabase } from "./empty-database.ts";
import type { LocalFiles } from "./local-files.ts";
import { openStore, type StoreOptions } from "./local-store.ts";
import { openRemote, type Remote } from "./remote.ts";
import type { RemoteOptions } from "./remote-options.ts";
import type { RemoteUse } from "./remote-use.ts";

/**
 * Puts remote, store and replica together.
 * @param how the rest of the replica's options, given what the remote is
 */
export async function composeReplica(
  options: RemoteOptions & StoreOptions,
  files: LocalFiles,
  use: RemoteUse,
  how: (remote: Remote | undefined) => Omit<ReplicaOptions, "store" | "transport" | "remoteName">,
): Promise<Replica> {
  const remote = openRemote(options, files, use);
  const store = await openStore(options, files);
  const isNew = store.shape() === undefined && options.store === undefined && options.path === ":memory:";
  if (remote === undefined && isNew) await store.reset(emptyDatabase());
  return openReplica({ ...how(remote), store, transport: remote?.transport, remoteName: remote?.name });
}
