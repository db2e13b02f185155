import { withReadRetry, withReadTimeout } from "@lacuna/transport";
import { deferredTransport } from "../deferred-transport.ts";
import { loaded } from "../loaded.ts";
import type { RemoteUse } from "../remote-use.ts";

/** Remotes that are only read. */
export const readUse: RemoteUse = {
  async syncServer(options) {
    const { syncServerPages } = await loaded(import("./sync-server-pages.ts"));
    return syncServerPages(options);
  },
  deferred: deferredTransport,
  patient: (bare, { attempts, timeoutMs }) =>
    withReadRetry(withReadTimeout(bare, { timeoutMs }), { attempts }),
};
