import { WAL_HEADER_BYTES } from "@lacuna/btree/wal";
import { LacunaError } from "@lacuna/page";
import { ChangeLog } from "./change-log.ts";
import type { LogState } from "./log-record.ts";
import type { ReplicaFiles } from "./pull-journal.ts";
import { type RandomBytes, randomWords } from "./random-words.ts";
import type { RunningChecksum } from "./running-checksum.ts";
import { type RecoveredWal, WalLog } from "./wal-log.ts";

/** Reads a log of changes that was written anew, all of them certain, beside a write-ahead log that stays. */
export async function reopenChanges({ changes }: ReplicaFiles, wal: WalLog): Promise<ChangeLog> {
  const found = await ChangeLog.open(changes, { mayBeTorn: false });
  if (found === undefined) throw new Error("BUG: no log of changes where one was just written");
  await found.recover(new Map(), wal.written.end);
  return found;
}

/** Reads both logs and cuts off what does not count. */
export async function recoverLogs(
  files: ReplicaFiles,
  random: RandomBytes,
): Promise<{ readonly wal: RecoveredWal; readonly changes: ChangeLog }> {
  const shape = files.store.shape();
  if (shape === undefined) throw new LacunaError("INVALID_OPTION", "the store has no shape yet");
  const unused = (await files.wal.size()) === 0;
  const found = await ChangeLog.open(files.changes, { mayBeTorn: unused });
  if (found === undefined) {
    // Only once it is durable may a write-ahead log be there.
    await files.changes.truncate(0);
    const state: LogState = {
      nextId: 1,
      salts: randomWords(random),
      requiredEnd: WAL_HEADER_BYTES,
      revision: shape.revision,
    };
    const changes = await ChangeLog.create(files.changes, state, randomWords(random));
    const wal = await WalLog.recover(files.wal, shape.pageSize, state.salts);
    return { wal, changes };
  }
  const wanted = found.commitEnds();
  const commits = new Map<number, RunningChecksum>();
  const wal = await WalLog.recover(files.wal, shape.pageSize, found.state.salts, ({ end, checksum }) => {
    if (wanted.has(end)) commits.set(end, checksum);
  });
  await found.recover(commits, wal.log.written.end);
  await wal.log.cut();
  return { wal, changes: found };
}
