import type { Transport, TransportTraffic } from "@lacuna/page";
import type { SyncServerOptions } from "@lacuna/transport/sync-server";

/** What a program wants of a remote. A program that only reads brings no code for the rest. */
export interface RemoteUse {
  /** Loads what reaches a sync server. */
  syncServer(options: SyncServerOptions): Promise<Transport>;
  /** A transport that is made when it is first needed, to what is or may be a sync server. */
  deferred(
    make: (signal: AbortSignal) => Promise<Transport>,
    trafficOfMaking?: () => TransportTraffic,
  ): Transport;
  /** The same transport, trying again, and giving up when nothing comes for too long. */
  patient(bare: Transport, limits: { readonly attempts: number; readonly timeoutMs: number }): Transport;
}
