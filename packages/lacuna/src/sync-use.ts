import { withRetry, withTimeout } from "@lacuna/transport";
import { deferredSyncTransport } from "./deferred-sync-transport.ts";
import { loaded } from "./loaded.ts";
import type { RemoteUse } from "./remote-use.ts";

/** Remotes to read from, push to and pull from. */
export const syncUse: RemoteUse = {
  async syncServer(options) {
    const { syncServerTransport } = await loaded(import("@lacuna/transport/sync-server"));
    return syncServerTransport(options);
  },
  deferred: deferredSyncTransport,
  patient: (bare, { attempts, timeoutMs }) => withRetry(withTimeout(bare, { timeoutMs }), { attempts }),
};
