import {
  type AbortOptions,
  type Bootstrap,
  type Difference,
  type DifferenceRequest,
  type ExecuteOptions,
  Flight,
  isSyncTransport,
  LacunaError,
  type Opening,
  type PageEntry,
  type PageRequest,
  type QueryRequest,
  type RemoteAnswer,
  type RemotePipeline,
  type SyncTransport,
  type Transport,
  type TransportTraffic,
} from "@lacuna/page";

/**
 * A transport that is made when it is first needed, so that a replica opens without asking what its remote is.
 * A failure to make it is the failure of the call that needed it; the next call tries again. Where it turns out to be one
 * that takes no part in synchronisation, `pull` and `execute` fail with `NOT_SUPPORTED`.
 */
export function deferredTransport(
  make: (signal: AbortSignal) => Promise<Transport>,
  trafficOfMaking: () => TransportTraffic,
): SyncTransport {
  let made: Transport | undefined;
  let making: Flight<Transport> | undefined;
  const get = async (options: AbortOptions | undefined): Promise<Transport> => {
    if (made !== undefined) return made;
    if (making === undefined || making.abandoned) {
      const flight = new Flight(async (signal) => {
        try {
          made = await make(signal);
          return made;
        } finally {
          if (making === flight) making = undefined;
        }
      });
      making = flight;
    }
    return making.join(options?.signal);
  };
  const getSync = async (options: AbortOptions | undefined): Promise<SyncTransport> => {
    const transport = await get(options);
    if (isSyncTransport(transport)) return transport;
    throw new LacunaError(
      "NOT_SUPPORTED",
      "this remote can only be read: pushing and pulling need a sync server",
    );
  };
  return {
    async open(options?: AbortOptions & { readonly bootstrap?: Bootstrap | undefined }): Promise<Opening> {
      return (await get(options)).open(options);
    },
    async *fetchPages(
      request: PageRequest,
      options?: AbortOptions,
    ): AsyncGenerator<readonly PageEntry[], void, undefined> {
      yield* (await get(options)).fetchPages(request, options);
    },
    async *queryPages(
      request: QueryRequest,
      options?: AbortOptions,
    ): AsyncGenerator<readonly PageEntry[], void, undefined> {
      const transport = await get(options);
      if (transport.queryPages === undefined) {
        throw new LacunaError("NOT_SUPPORTED", "the remote runs no queries");
      }
      yield* transport.queryPages(request, options);
    },
    async pull(request: DifferenceRequest, options?: AbortOptions): Promise<Difference> {
      return (await getSync(options)).pull(request, options);
    },
    async execute(pipeline: RemotePipeline, options?: ExecuteOptions): Promise<RemoteAnswer> {
      return (await getSync(options)).execute(pipeline, options);
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
      await made?.close();
    },
  };
}
