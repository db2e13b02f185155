import { LacunaError } from "@lacuna/page";
import type { PushResult } from "@lacuna/sync";

/** What a database tells those who listen, by the name of the event. */
export interface DatabaseEvents {
  /** Something may be different: a transaction was committed in this tab or another one, or others' changes were pulled. */
  readonly change: { readonly from: "local" | "remote" };
  /** Local changes are at the remote. */
  readonly push: PushResult;
  /** The remote was asked for what others did. */
  readonly pull: { readonly changed: boolean };
  /** A request was answered, or failed: then `status` is absent. `url` is without query. */
  readonly fetch: { readonly method: string; readonly url: string; readonly status: number | undefined };
  /** A push or a pull failed. Whoever called it is told as well. */
  readonly error: { readonly during: "push" | "pull"; readonly error: unknown };
}

const NAMES: readonly (keyof DatabaseEvents)[] = ["change", "push", "pull", "fetch", "error"];

type Listener<Name extends keyof DatabaseEvents> = (event: DatabaseEvents[Name]) => void;

/** The same listener, which does no harm: what it throws is reported to the runtime, as with events of the platform. */
export function harmless<Event>(listener: (event: Event) => void): (event: Event) => void {
  return (event) => {
    try {
      listener(event);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  };
}

/** Tells listeners. */
export class Listeners {
  readonly #listeners = new Map<keyof DatabaseEvents, Set<(event: never) => void>>();

  /**
   * @returns a function that ends it
   * @throws {LacunaError} `INVALID_OPTION` if there is no such event, or nobody to be told
   */
  add<Name extends keyof DatabaseEvents>(name: Name, listener: Listener<Name>): () => void {
    if (!NAMES.includes(name)) {
      throw new LacunaError("INVALID_OPTION", `there is no event ${name}; there are ${NAMES.join(", ")}`);
    }
    if (typeof listener !== "function") {
      throw new LacunaError("INVALID_OPTION", `a listener must be a function, got ${typeof listener}`);
    }
    const all = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, all);
    // Given twice, it is told twice.
    const own = harmless(listener);
    all.add(own);
    return () => all.delete(own);
  }

  tell<Name extends keyof DatabaseEvents>(name: Name, event: DatabaseEvents[Name]): void {
    for (const listener of [...(this.#listeners.get(name) ?? [])]) {
      (listener as Listener<Name>)(event);
    }
  }
}

/** The same `fetch`, telling of each request. */
export function toldFetch(
  fetch: typeof globalThis.fetch | undefined,
  listeners: Listeners,
): typeof globalThis.fetch {
  return async (input, init) => {
    const { origin, pathname } = new URL(input instanceof Request ? input.url : input);
    const asked = {
      method: init?.method ?? (input instanceof Request ? input.method : "GET"),
      url: origin + pathname,
    };
    try {
      const response = await (fetch ?? globalThis.fetch)(input, init);
      listeners.tell("fetch", { ...asked, status: response.status });
      return response;
    } catch (error) {
      listeners.tell("fetch", { ...asked, status: undefined });
      throw error;
    }
  };
}
