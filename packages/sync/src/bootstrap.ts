import { type Bootstrap, type DatabaseShape, LacunaError, type Opening } from "@lacuna/page";
import { fetchMissing, type IngestOptions, ingest, missingPages } from "./ingest.ts";
import { ReplicaMeta } from "./replica-meta.ts";
import type { ReplicaOptions } from "./replica-options.ts";

const META_REMOTE = "remote";

/** Brings a replica from its remote: which part of it, and from which remote, the options say. */
export class Bootstrapper {
  readonly meta: ReplicaMeta;
  readonly options: ReplicaOptions;

  constructor(options: ReplicaOptions) {
    this.options = options;
    this.meta = new ReplicaMeta(options.store);
  }

  /** @throws {LacunaError} `INVALID_OPTION` if the store holds a replica of another remote */
  refuseForeignStore(): void {
    const { remoteName } = this.options;
    const known = this.meta.get(META_REMOTE);
    if (known === undefined || remoteName === undefined || known === remoteName) return;
    throw new LacunaError(
      "INVALID_OPTION",
      `the path holds a replica of ${known}, and was opened for ${remoteName}; use another path, or remove the replica`,
      { url: remoteName },
    );
  }

  /** Asks for the newest revision, with the pages that come at opening. */
  ask({ signal }: IngestOptions): Promise<Opening> {
    const { transport } = this.options;
    if (transport === undefined) {
      throw new LacunaError("OFFLINE", "there is no replica yet and no remote to make one from");
    }
    return transport.open({ bootstrap: this.#wanted(), ...(signal === undefined ? {} : { signal }) });
  }

  /** Pins the store to the newest revision of the remote and brings the pages that come at opening. */
  async bootstrap(options: IngestOptions): Promise<void> {
    const opening = await this.ask(options);
    await this.pin(opening.shape);
    await ingest(this.options.store, opening.shape, opening.pages, options);
    if (this.options.partial === undefined) await this.#fetchMissing(options);
  }

  /** Makes the store one of the remote at this revision, with no pages. */
  async pin(shape: DatabaseShape): Promise<void> {
    await this.options.store.reset(shape);
    await this.bind();
  }

  /** Makes the store one of the remote. */
  async bind(): Promise<void> {
    const { remoteName } = this.options;
    if (remoteName !== undefined && this.meta.get(META_REMOTE) !== remoteName) {
      await this.meta.set({ [META_REMOTE]: remoteName });
    }
  }

  /** Brings what is missing of the whole database. */
  async complete(options: IngestOptions): Promise<void> {
    if (missingPages(this.options.store, this.#shape()).length > 0) await this.#fetchMissing(options);
  }

  #shape(): DatabaseShape {
    const shape = this.options.store.shape();
    if (shape === undefined) throw new Error("BUG: a replica without a shape");
    return shape;
  }

  #wanted(): Bootstrap {
    const { partial, pullBytesThreshold = 0 } = this.options;
    if (partial !== undefined) return partial;
    return pullBytesThreshold > 0 ? { kind: "prefix", bytes: pullBytesThreshold } : { kind: "full" };
  }

  async #fetchMissing(options: IngestOptions): Promise<void> {
    const { store, transport, pullBytesThreshold = 0 } = this.options;
    if (transport === undefined) {
      const page = missingPages(store, this.#shape())[0];
      throw new LacunaError("OFFLINE", "not resident, and there is no remote to fetch it from", { page });
    }
    const chunkBytes = pullBytesThreshold > 0 ? pullBytesThreshold : undefined;
    await fetchMissing(store, this.#shape(), transport, { ...options, chunkBytes });
  }
}
