import { type PageNo, type PageStore, pageNo } from "@lacuna/page";
import { memoryStore } from "@lacuna/storage/memory";
import { patternDatabase, RecordingTransport, type RemoteDatabase } from "@lacuna/testkit";
import { SegmentCache, type SegmentCacheOptions } from "../src/index.ts";

/** A store that cannot read synchronously, as those of a browser cannot. */
export function asyncOnly(store: PageStore): PageStore {
  return new Proxy(store, {
    get(target, name) {
      if (name === "getSync") return undefined;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** A store whose `put` can be made to wait and to fail. */
export function stubbornStore(store: PageStore): {
  readonly store: PageStore;
  readonly puts: PageNo[][];
  holdPuts(): void;
  releasePuts(): void;
  failPuts(error: unknown): void;
} {
  const puts: PageNo[][] = [];
  let gate: Promise<void> | undefined;
  let open = (): void => {};
  let failure: { readonly error: unknown } | undefined;
  const put: PageStore["put"] = async (entries) => {
    puts.push(entries.map((entry) => entry.page));
    await gate;
    if (failure !== undefined) throw failure.error;
    await store.put(entries);
  };
  return {
    store: new Proxy(store, {
      get(target, name) {
        if (name === "put") return put;
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    }),
    puts,
    holdPuts() {
      gate = new Promise((resolve) => {
        open = resolve;
      });
    },
    releasePuts() {
      open();
      gate = undefined;
    },
    failPuts(error) {
      failure = error === undefined ? undefined : { error };
    },
  };
}

/** A cache over a new store and a remote of pattern pages. */
export async function setUp(
  options: Partial<SegmentCacheOptions> & {
    readonly pages?: number;
    readonly pageSize?: number;
    readonly database?: RemoteDatabase;
  } = {},
) {
  const { pages = 100, pageSize = 4096, ...rest } = options;
  const database = options.database ?? patternDatabase(pages, { pageSize });
  const transport = new RecordingTransport(database);
  const store = options.store ?? memoryStore();
  if (store.shape() === undefined) await store.reset(database.shape);
  const cache = new SegmentCache({ transport, shape: database.shape, ...rest, store });
  return { database, transport, store, cache };
}

export const pagesNo = (...pages: number[]): PageNo[] => pages.map(pageNo);
