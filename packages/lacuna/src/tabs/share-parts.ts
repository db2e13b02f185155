import type { OpenPartsHow, Parts } from "../open-parts.ts";
import type { TabPlatform } from "./platform.ts";
import { Seat } from "./seat.ts";
import { tabReplica } from "./tab-replica.ts";
import { TabSql } from "./tab-sql.ts";

export interface SharedSetting extends OpenPartsHow {
  readonly path: string;
  /** What the database is a copy of. */
  readonly remote: string | undefined;
  /** Opens the database, in the tab that owns it. */
  readonly open: (how: OpenPartsHow) => Promise<Parts>;
}

/**
 * The parts of a database that all tabs of the origin share. The first one opens it and makes the calls of all; when it closes
 * or is gone, one of the others opens it in turn. Calls that only read are then repeated; of those that write, and were not
 * answered, it is not known what became of them, and they fail with `OWNER_GONE`.
 */
export async function shareParts(setting: SharedSetting, platform: TabPlatform): Promise<Parts> {
  const { closing, listeners, path, remote, safeIntegers } = setting;
  // What ends the opening of this tab must not end what it opens later as the next owner.
  let { signal } = setting;
  const seat: Seat = new Seat({
    path,
    platform,
    remote,
    listeners,
    open: () => setting.open({ ...setting, signal, closing, safeIntegers: sql.safeIntegers }),
  });
  const sql = new TabSql(seat, safeIntegers);
  const replica = tabReplica(seat);
  try {
    await seat.enter(signal);
  } catch (error) {
    await sql.close();
    await replica.close();
    throw error;
  }
  signal = closing;
  return {
    replica,
    sql,
    refresh: async () => {
      if (seat.own === undefined) await seat.ask({ call: "stats" });
    },
  };
}
