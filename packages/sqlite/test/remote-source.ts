import { SegmentCache } from "@lacuna/cache";
import { type PageNo, pageNo } from "@lacuna/page";
import { ReadingPager } from "@lacuna/pager";
import { memoryStore } from "@lacuna/storage/memory";
import { databaseFromFile, RecordingTransport } from "@lacuna/testkit";
import { type DriverName, openSqlite, type SqlDatabase, type SqliteOptions } from "../src/index.ts";

export interface RemoteOptions extends Partial<Omit<SqliteOptions, "source">> {
  /**
   * Pages that are here from the start.
   * @default those in the first 128 KiB
   */
  readonly present?: (page: number) => boolean;
  /** Bytes of pages kept in memory. */
  readonly memoryBytes?: number;
}

export interface OpenedRemote {
  readonly db: SqlDatabase;
  readonly cache: SegmentCache;
  readonly transport: RecordingTransport;
  /** Forgets the requests so far. */
  reset(): void;
  close(): Promise<void>;
}

/** A database of which some pages are here and the others come from a remote, singly, as with prefetch. */
export async function openRemote(
  bytes: Uint8Array,
  driver: DriverName,
  options: RemoteOptions = {},
): Promise<OpenedRemote> {
  const { present, memoryBytes, ...rest } = options;
  const stored = new DataView(bytes.buffer, bytes.byteOffset).getUint16(16);
  const pageSize = stored === 1 ? 65_536 : stored;
  const database = databaseFromFile(bytes, { pageSize });
  const transport = new RecordingTransport(database);
  const store = memoryStore();
  await store.reset(database.shape);
  const isPresent = present ?? ((page: number) => page <= 131_072 / pageSize);
  const entries = Array.from({ length: database.shape.pageCount }, (_, index) => pageNo(index + 1))
    .filter(isPresent)
    .map((page: PageNo) => ({ page, bytes: database.page(page).slice() }));
  await store.put(entries);
  const { shape } = database;
  const cache = new SegmentCache({ transport, store, shape, segmentBytes: pageSize, memoryBytes });
  const pager = new ReadingPager({ base: cache });
  // A clock that stands still: what is asked for then depends on nothing but the pages. Runs that cannot be suspended are
  // given as much time as the statement itself has taken, so they need one that goes.
  const clock = driver === "jspi" ? { now: () => 0 } : {};
  const db = await openSqlite({ source: pager, driver, ...clock, ...rest });
  await db.all("SELECT 1 FROM sqlite_schema LIMIT 1");
  return {
    db,
    cache,
    transport,
    reset: () => {
      transport.requests.length = 0;
    },
    close: async () => {
      transport.release();
      await db.close();
      await pager.close();
      await cache.close();
    },
  };
}
