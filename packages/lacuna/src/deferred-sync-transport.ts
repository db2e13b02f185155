import {
  type AbortOptions,
  type Difference,
  type DifferenceRequest,
  type ExecuteOptions,
  isSyncTransport,
  LacunaError,
  type PageEntry,
  type QueryRequest,
  type RemoteAnswer,
  type RemotePipeline,
  type SyncTransport,
  type Transport,
  type TransportTraffic,
} from "@lacuna/page";
import { deferred } from "./deferred-transport.ts";

/** As `deferredTransport`, for one that may take part in synchronisation. If it does not, `pull` and `execute` fail with `NOT_SUPPORTED`. */
export function deferredSyncTransport(
  make: (signal: AbortSignal) => Promise<Transport>,
  trafficOfMaking?: () => TransportTraffic,
): SyncTransport {
  const { transport, get } = deferred(make, trafficOfMaking);
  const getSync = async (options: AbortOptions | undefined): Promise<SyncTransport> => {
    const made = await get(options);
    if (isSyncTransport(made)) return made;
    throw new LacunaError(
      "NOT_SUPPORTED",
      "this remote can only be read: pushing and pulling need a sync server",
    );
  };
  return {
    ...transport,
    async *queryPages(
      request: QueryRequest,
      options?: AbortOptions,
    ): AsyncGenerator<readonly PageEntry[], void, undefined> {
      const made = await get(options);
      if (made.queryPages === undefined) throw new LacunaError("NOT_SUPPORTED", "the remote runs no queries");
      yield* made.queryPages(request, options);
    },
    async pull(request: DifferenceRequest, options?: AbortOptions): Promise<Difference> {
      return (await getSync(options)).pull(request, options);
    },
    async execute(pipeline: RemotePipeline, options?: ExecuteOptions): Promise<RemoteAnswer> {
      return (await getSync(options)).execute(pipeline, options);
    },
  };
}
