import type { PageStore } from "@lacuna/page";

/** Where a replica remembers its dealings with the remote; only one that is written to has any. */
export const META_SYNC = "sync";

/** The small facts kept with a replica. Changing some of them leaves the others alone. */
export class ReplicaMeta {
  readonly #store: Pick<PageStore, "meta" | "setMeta">;
  #changing: Promise<void> = Promise.resolve();

  constructor(store: Pick<PageStore, "meta" | "setMeta">) {
    this.#store = store;
  }

  get(name: string): string | undefined {
    return this.#store.meta()[name];
  }

  /** Durable when it resolves. */
  set(facts: Readonly<Record<string, string>>): Promise<void> {
    const change = this.#changing.then(() => this.#store.setMeta({ ...this.#store.meta(), ...facts }));
    this.#changing = change.catch(() => {});
    return change;
  }
}
