import {
  type AbortOptions,
  type Bootstrap,
  closedError,
  Flight,
  type Opening,
  type PageEntry,
  type PageRequest,
  type Transport,
  type TransportTraffic,
} from "@lacuna/page";

const NOTHING: TransportTraffic = { requests: 0, sentBytes: 0, receivedBytes: 0 };

/**
 * A transport that is made when it is first needed, so that a replica opens without asking what its remote is, or loading
 * what reaches it. A failure to make it is the failure of the call that needed it; the next call tries again.
 */
export function deferredTransport(
  make: (signal: AbortSignal) => Promise<Transport>,
  trafficOfMaking?: () => TransportTraffic,
): Transport {
  return deferred(make, trafficOfMaking).transport;
}

/** The same, and what gets the transport behind it. */
export function deferred(
  make: (signal: AbortSignal) => Promise<Transport>,
  trafficOfMaking: () => TransportTraffic = () => NOTHING,
): { transport: Transport; get(options: AbortOptions | undefined): Promise<Transport> } {
  const closing = new AbortController();
  let made: Transport | undefined;
  let making: Flight<Transport> | undefined;
  const get = async (options: AbortOptions | undefined): Promise<Transport> => {
    closing.signal.throwIfAborted();
    if (made !== undefined) return made;
    if (making === undefined || making.abandoned) {
      const flight = new Flight(async (signal) => {
        try {
          made = await make(signal);
          if (closing.signal.aborted) await made.close();
          return made;
        } finally {
          if (making === flight) making = undefined;
        }
      });
      making = flight;
    }
    const leaving = options?.signal === undefined ? [] : [options.signal];
    return making.join(AbortSignal.any([closing.signal, ...leaving]));
  };
  const transport: Transport = {
    async open(options?: AbortOptions & { readonly bootstrap?: Bootstrap | undefined }): Promise<Opening> {
      return (await get(options)).open(options);
    },
    async *fetchPages(
      request: PageRequest,
      options?: AbortOptions,
    ): AsyncGenerator<readonly PageEntry[], void, undefined> {
      yield* (await get(options)).fetchPages(request, options);
    },
    linkEstimate: () => made?.linkEstimate?.(),
    traffic(): TransportTraffic {
      const asked = trafficOfMaking();
      const since = made?.traffic();
      return {
        requests: asked.requests + (since?.requests ?? 0),
        sentBytes: asked.sentBytes + (since?.sentBytes ?? 0),
        receivedBytes: asked.receivedBytes + (since?.receivedBytes ?? 0),
      };
    },
    async close(): Promise<void> {
      closing.abort(closedError("the remote"));
      await made?.close();
    },
  };
  return { transport, get };
}
