import type { PendingChange, PushResult } from "@lacuna/sync";
import type { OpenReplica } from "../open-parts.ts";
import type { Seat } from "./seat.ts";

/** The replica of a database that this tab owns or another one. What it tells of how an operation goes stays in the owner. */
export function tabReplica(seat: Seat): OpenReplica {
  return {
    stats: () => seat.stats.replica,
    push: async (options) =>
      (seat.own?.replica.push(options) ?? seat.ask({ call: "push" }, options?.signal)) as Promise<PushResult>,
    pull: async (options) =>
      (seat.own?.replica.pull(options) ??
        seat.ask({ call: "pull", longPollMs: options?.longPollMs }, options?.signal)) as Promise<boolean>,
    pending: async () =>
      (seat.own?.replica.pending() ?? seat.ask({ call: "pending" })) as Promise<PendingChange[]>,
    discard: async (change) => {
      await (seat.own?.replica.discard(change) ?? seat.ask({ call: "discard", change }));
    },
    hydrate: async (target, options) =>
      (seat.own?.replica.hydrate(target, options) ??
        seat.ask({ call: "hydrate", target }, options?.signal)) as Promise<boolean>,
    pager: {
      checkpoint: async () => {
        await (seat.own?.replica.pager.checkpoint() ?? seat.ask({ call: "checkpoint" }));
      },
    },
    async close() {
      await seat.leave();
      try {
        await seat.own?.replica.close();
      } finally {
        await seat.release();
      }
    },
  };
}
