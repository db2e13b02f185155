/** How a database is: what is local and what has to do with the remote are separate facts. */
export interface DatabaseHealth {
  readonly local: {
    /** Whether it is open. Statements whose pages are here work then, whatever the remote does. */
    readonly open: boolean;
    /** Whether every page is here, so that the remote is not needed for reading. */
    readonly complete: boolean;
    /** Local transactions that the remote does not have. */
    readonly pending: number;
  };
  readonly sync: {
    /** Whether there is a remote to push to and pull from. */
    readonly enabled: boolean;
    /** What is under way now. */
    readonly active: readonly ("push" | "pull")[];
    /** Seconds since 1970. */
    readonly lastPull: number | undefined;
    /** Seconds since 1970. */
    readonly lastPush: number | undefined;
    /** The failure of the last push and of the last pull, if they failed. */
    readonly errors: { readonly push: unknown; readonly pull: unknown };
  };
}

/** Remembers how pushes and pulls went. */
export class SyncHealth {
  readonly #active = { push: 0, pull: 0 };
  readonly errors: { push: unknown; pull: unknown } = { push: undefined, pull: undefined };

  get active(): ("push" | "pull")[] {
    return (["push", "pull"] as const).filter((kind) => this.#active[kind] > 0);
  }

  /** Runs a push or a pull. */
  async during<T>(kind: "push" | "pull", work: () => Promise<T>): Promise<T> {
    this.#active[kind]++;
    try {
      const result = await work();
      this.errors[kind] = undefined;
      return result;
    } catch (error) {
      this.errors[kind] = error;
      throw error;
    } finally {
      this.#active[kind]--;
    }
  }
}
