import type {
  AbortOptions,
  Bootstrap,
  Difference,
  DifferenceRequest,
  ExecuteOptions,
  LinkEstimate,
  Opening,
  PageEntry,
  PageRequest,
  QueryRequest,
  RemoteAnswer,
  RemotePipeline,
  SyncTransport,
  TransportTraffic,
} from "@lacuna/page";
import { encodePageSelector } from "@lacuna/protocol";
import { differenceRequest, readDifference } from "./difference.ts";
import { sendPipeline } from "./send-pipeline.ts";
import { checkRevision, indexRanges, type SyncServerOptions, SyncServerPages } from "./sync-server-pages.ts";

/**
 * The pages of a database on a server of the sync protocol: `POST /pull-updates`, one request for each `open`, each `pull` and
 * each `fetchPages`; `POST /v2/pipeline` for `execute`. The revision is the server's own.
 * @throws {LacunaError} `INVALID_OPTION`
 */
export function syncServerTransport(options: SyncServerOptions): SyncTransport {
  return new SyncServerTransport(options);
}

class SyncServerTransport implements SyncTransport {
  readonly #pages: SyncServerPages;

  constructor(options: SyncServerOptions) {
    this.#pages = new SyncServerPages(options);
  }

  open(options?: AbortOptions & { readonly bootstrap?: Bootstrap | undefined }): Promise<Opening> {
    return this.#pages.open(options);
  }

  fetchPages(request: PageRequest, options?: AbortOptions): AsyncIterable<readonly PageEntry[]> {
    return this.#pages.fetchPages(request, options);
  }

  async pull(request: DifferenceRequest, options: AbortOptions = {}): Promise<Difference> {
    const scope = this.#pages.endpoint.scope(options.signal);
    try {
      const how = { asked: "newest", urgency: "demand", scope } as const;
      const asked = differenceRequest(request, this.#pages.selects !== false);
      return await readDifference(await this.#pages.send(asked, how), request, scope);
    } catch (error) {
      scope.end();
      throw error;
    }
  }

  execute(pipeline: RemotePipeline, options: ExecuteOptions = {}): Promise<RemoteAnswer> {
    return sendPipeline(this.#pages.endpoint, pipeline, options);
  }

  async *queryPages(
    { revision: pinned, sql, held }: QueryRequest,
    options: AbortOptions = {},
  ): AsyncGenerator<readonly PageEntry[], void, undefined> {
    const scope = this.#pages.endpoint.scope(options.signal);
    try {
      scope.signal.throwIfAborted();
      const clientPages = held.size === 0 ? undefined : encodePageSelector(indexRanges(held));
      const pageSize = this.#pages.pageSizeAt(pinned);
      const pull = {
        serverRevision: pinned,
        query: sql,
        ...(clientPages === undefined ? {} : { clientPages }),
      };
      const stream = await this.#pages.send(pull, { asked: "query", urgency: "demand", scope, pageSize });
      checkRevision(pinned, stream);
      for await (const batch of stream.pages(() => {})) {
        // A server need not look at what is held.
        const wanted = batch.filter(({ page }) => !held.has(page));
        if (wanted.length > 0) yield wanted;
      }
    } finally {
      scope.end();
    }
  }

  linkEstimate(): LinkEstimate | undefined {
    return this.#pages.linkEstimate();
  }

  traffic(): TransportTraffic {
    return this.#pages.traffic();
  }

  close(): Promise<void> {
    return this.#pages.close();
  }
}
