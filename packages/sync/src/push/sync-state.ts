import { LacunaError } from "@lacuna/page";
import { META_SYNC as NAME, type ReplicaMeta } from "../replica-meta.ts";

/**
 * What the remote keeps of a client: up to which local transaction it has everything, and a number drawn for the push
 * that brought it there, by which two copies of one replica tell their pushes apart.
 */
export interface Mark {
  readonly generation: number;
  readonly transaction: number;
}

/** What a replica remembers of its dealings with the remote. */
export interface SyncFacts {
  /** Its name at the remote. */
  readonly client: string;
  /** The mark of the last push that is known to have been taken; absent before the first. */
  readonly confirmed?: Mark | undefined;
  /**
   * The marks of pushes that were sent after that one, and of which it is not known whether they were taken: at most one of
   * them was. A request may be taken long after its sender gave it up.
   */
  readonly inflight: readonly Mark[];
  /** Changes that were given up one by one, whose transactions are still pending. */
  readonly discarded: readonly string[];
  /** Something was given up that is still shown, so that the next pull repeats what is left. */
  readonly stale?: boolean | undefined;
  /** Seconds since 1970. */
  readonly lastPull?: number | undefined;
  /** Seconds since 1970. */
  readonly lastPush?: number | undefined;
}

/** The facts, kept with the replica. */
export class SyncState {
  readonly #meta: ReplicaMeta;
  readonly #clientName: string;
  #facts: SyncFacts | undefined;

  /** @param clientName begins the name of the client, if it has none yet */
  constructor(meta: ReplicaMeta, clientName: string) {
    this.#meta = meta;
    this.#clientName = clientName;
  }

  /** Whether the replica has a name at the remote. */
  get isKept(): boolean {
    return this.#meta.get(NAME) !== undefined;
  }

  /** @throws {LacunaError} `REPLICA_CORRUPT` if what was kept is something else; not after `load` */
  get facts(): SyncFacts {
    this.#facts ??= this.#kept() ?? { client: this.newClient(), inflight: [], discarded: [] };
    return this.#facts;
  }

  /** @throws {LacunaError} `REPLICA_CORRUPT` if what was kept is something else */
  load(): void {
    this.#facts = this.#kept();
  }

  #kept(): SyncFacts | undefined {
    const text = this.#meta.get(NAME);
    if (text === undefined) return undefined;
    let facts: Partial<SyncFacts> | null = null;
    try {
      facts = JSON.parse(text);
    } catch {
      // Told below.
    }
    const isWhole =
      typeof facts?.client === "string" && Array.isArray(facts.inflight) && Array.isArray(facts.discarded);
    if (isWhole) return facts as SyncFacts;
    throw new LacunaError(
      "REPLICA_CORRUPT",
      `what the replica knows of its pushes should be JSON with client, inflight and discarded, found ${text.slice(0, 100)}`,
    );
  }

  newClient(): string {
    return `${this.#clientName}-${crypto.randomUUID()}`;
  }

  /** Durable when it resolves. If it fails, nothing has changed. */
  async set(changed: Partial<SyncFacts>): Promise<void> {
    const facts = { ...this.facts, ...changed };
    await this.#meta.set({ [NAME]: JSON.stringify(facts) });
    this.#facts = facts;
  }
}
