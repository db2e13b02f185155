import { SegmentCache } from "@lacuna/cache";
import {
  type DatabaseShape,
  LOCAL_REVISION,
  type PageNo,
  type PageStore,
  pageNo,
  revision,
  type Transport,
} from "@lacuna/page";
import { type MakeBase, type OpenPagerOptions, openPager, type Pager, type Snapshot } from "@lacuna/pager";
import { memoryStore } from "@lacuna/storage/memory";

export const PAGE_SIZE = 512;

/** A remote database of five pages. */
export const REMOTE: DatabaseShape = { revision: revision("r1"), pageSize: PAGE_SIZE, pageCount: 5 };

/** A page of one byte, repeated. Page 1 says that the database may have a write-ahead log. */
export function filled(page: number, fill: number, pageSize = PAGE_SIZE): Uint8Array {
  const bytes = new Uint8Array(pageSize).fill(fill);
  return page === 1 ? bytes.fill(2, 18, 20) : bytes;
}

export const pages = (...numbers: number[]): PageNo[] => numbers.map(pageNo);

/** A cache over a store, as a replica has it. */
export const cacheBase =
  (transport?: Pick<Transport, "fetchPages">): MakeBase =>
  (store) => {
    const shape = store.shape();
    if (shape === undefined) throw new Error("a store without a shape");
    const source = new SegmentCache({ store, shape, transport, segmentBytes: 512, memoryBytes: 8192 });
    return { source, end: (error) => source.abandon(error) };
  };

/** A store with a database that has no remote. */
export async function localStore(pageCount = 0, store: PageStore = memoryStore()): Promise<PageStore> {
  await store.reset({ revision: LOCAL_REVISION, pageSize: PAGE_SIZE, pageCount });
  return store;
}

/** A store with every page of a remote database, each filled with its number. */
export async function remoteStore(
  shape: DatabaseShape,
  store: PageStore = memoryStore(),
): Promise<PageStore> {
  await store.reset(shape);
  const entries = Array.from({ length: shape.pageCount }, (_, i) => ({
    page: pageNo(i + 1),
    bytes: filled(i + 1, i + 1),
  }));
  await store.put(entries);
  await store.flush();
  return store;
}

export function pagerOn(store: PageStore, options: Partial<OpenPagerOptions> = {}): Promise<Pager> {
  return openPager({ store, base: cacheBase(), ...options });
}

/** A pager over all pages of the remote database. */
export const overRemote = async (): Promise<Pager> => pagerOn(await remoteStore(REMOTE));

/** The first byte of each page. */
export async function contents(snapshot: Snapshot): Promise<number[]> {
  const found: number[] = [];
  for (let page = 1; page <= snapshot.pageCount; page++) {
    const bytes = snapshot.peek(pageNo(page)) ?? (await snapshot.read(pageNo(page)));
    const value = bytes[0] ?? -1;
    const expected = filled(page, value);
    if (bytes.byteLength !== PAGE_SIZE || bytes.some((byte, i) => byte !== expected[i])) {
      throw new Error(`page ${page} is torn: ${bytes.slice(0, 40)}`);
    }
    found.push(value);
  }
  return found;
}

/** What a pager shows now. */
export async function shown(pager: Pager): Promise<number[]> {
  const snapshot = await pager.snapshot();
  try {
    return await contents(snapshot);
  } finally {
    snapshot.release();
  }
}

/** Writes pages in one transaction. A change is a text. */
export async function write(
  pager: { begin: Pager["begin"] },
  values: Readonly<Record<number, number>>,
  { change, pageCount }: { readonly change?: string; readonly pageCount?: number } = {},
): Promise<number> {
  const transaction = await pager.begin();
  for (const [page, fill] of Object.entries(values)) {
    transaction.write(pageNo(Number(page)), new Uint8Array(PAGE_SIZE).fill(fill));
  }
  if (pageCount !== undefined) transaction.truncate(pageCount);
  return transaction.commit(change === undefined ? undefined : new TextEncoder().encode(change));
}

/** The changes that are pending, as `id:text`. */
export async function pending(pager: Pager): Promise<string[]> {
  const changes = await pager.pendingChanges();
  return changes.map(({ id, bytes }) => `${id}:${new TextDecoder().decode(bytes)}`);
}
