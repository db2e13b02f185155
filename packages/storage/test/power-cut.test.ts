import { type DatabaseShape, isLacunaError, type PageNo, type PageStore, revision } from "@lacuna/page";
import { failure, SimulatedDisk, seededRandom } from "@lacuna/testkit";
import { describe, expect, it } from "vitest";
import { openFileStore } from "../src/files/open-file-store.ts";
import { lockPath } from "../src/files/path-lock.ts";

const PATH = "/data/app.db";
const PAGES = 12;
// Two sectors a page, so that a page can be torn.
const PAGE_SIZE = 1024;
const ABSENT = 0;

type Random = () => number;

const open = (disk: SimulatedDisk, random: Random): Promise<PageStore> =>
  openFileStore(PATH, {
    files: disk,
    lock: (token) =>
      lockPath(disk, `${PATH}-lock`, { self: () => ({ pid: 1, started: "" }), isAlive: () => false }, token),
    random: (bytes) => bytes.set(bytes.map(() => random() * 256)),
  });

/** What the store may answer, seen from the promises it made. A page's value is the version it was put with. */
class Expectation {
  shapes: (DatabaseShape | undefined)[] = [undefined];
  metas: string[] = ["{}"];
  /** By page: what may be seen, now or after a power cut. The last is the newest. */
  values = new Map<PageNo, number[]>();
  /** Pages of which a put or evict failed: nothing was promised, so a flush settles nothing either. */
  unsettled = new Set<PageNo>();

  valuesOf(page: PageNo): number[] {
    return this.values.get(page) ?? [ABSENT];
  }

  /** Shapes to adopt, and what must not be seen in them. Any other shape comes without pages. */
  adopting = new Map<DatabaseShape, ReadonlySet<PageNo>>();

  /** While a change of the shape is under way the pages of the old one may be seen with the old one only. */
  check(shape: DatabaseShape | undefined, page: PageNo, value: number): void {
    const dropped = shape === undefined ? undefined : this.adopting.get(shape);
    const current = shape === this.shapes[0] || this.shapes.length === 1;
    const keeps = current || (dropped !== undefined && !dropped.has(page));
    const allowed = keeps ? this.valuesOf(page) : [ABSENT];
    if (!allowed.includes(value))
      expect.fail(`page ${page} of ${shape?.revision} has ${value}, not of ${allowed}`);
  }
}

const bytesOf = (version: number): Uint8Array => new Uint8Array(PAGE_SIZE).fill(version);

/** The version a page holds; fails if it is made of several. */
function versionOf(bytes: Uint8Array | undefined): number {
  if (bytes === undefined) return ABSENT;
  const version = bytes[0] ?? ABSENT;
  // `expect` for each of a million pages takes a minute.
  if (bytes.byteLength !== PAGE_SIZE || bytes.some((byte) => byte !== version))
    expect(bytes).toEqual(bytesOf(version));
  return version;
}

const allPages = Array.from({ length: PAGES }, (_, i) => (i + 1) as PageNo);

/** Runs random operations, some of which fail, until the power goes off. */
async function live(disk: SimulatedDisk, store: PageStore, random: Random): Promise<Expectation> {
  const expected = new Expectation();
  expected.shapes = [store.shape()];
  expected.metas = [JSON.stringify(store.meta())];
  // What an earlier life left is on the disk for good: `SimulatedDisk` starts with durable files.
  for (const page of allPages) expected.values.set(page, [versionOf(store.getSync?.(page))]);
  const pick = (count: number): number => Math.floor(random() * count);
  const somePages = (): PageNo[] => allPages.filter(() => random() < 0.3);
  const lookAround = (): void => {
    const shape = expected.shapes.find((known) => known?.revision === store.shape()?.revision);
    for (const page of allPages) expected.check(shape, page, versionOf(store.getSync?.(page)));
  };
  let version = 0;
  const before = disk.before;
  disk.before = (operation) => {
    lookAround();
    before(operation);
  };
  const attempt = async (work: Promise<unknown>): Promise<boolean> => {
    try {
      await work;
      return true;
    } catch (error) {
      if (!isLacunaError(error, "STORAGE") && !isLacunaError(error, "STORAGE_FULL")) throw error;
      return false;
    }
  };
  while (!disk.off) {
    const chosen = store.shape() === undefined ? 9 : pick(13);
    if (chosen < 5) {
      version = (version % 250) + 1;
      const pages = somePages();
      const put = version;
      for (const page of pages) expected.values.set(page, [ABSENT, ...expected.valuesOf(page), put]);
      if (await attempt(store.put(pages.map((page) => ({ page, bytes: bytesOf(put) }))))) {
        for (const page of pages) {
          expect(versionOf(store.getSync?.(page))).toBe(put);
          expected.values.set(page, [ABSENT, put]);
          expected.unsettled.delete(page);
        }
      } else for (const page of pages) expected.unsettled.add(page);
    } else if (chosen < 7) {
      const first = allPages[pick(PAGES)] ?? (1 as PageNo);
      const last = Math.min(PAGES, first + pick(4)) as PageNo;
      for (let page: number = first; page <= last; page++) {
        expected.values.set(page as PageNo, [...expected.valuesOf(page as PageNo), ABSENT]);
      }
      if (await attempt(store.evict([{ first, last }]))) {
        for (let page: number = first; page <= last; page++)
          expect(store.getSync?.(page as PageNo)).toBeUndefined();
      }
    } else if (chosen === 7) {
      if (await attempt(store.flush())) {
        for (const page of allPages) {
          if (!expected.unsettled.has(page)) expected.values.set(page, [versionOf(store.getSync?.(page))]);
        }
      }
    } else if (chosen === 8) {
      const meta = { version: String(pick(1000)) };
      expected.metas.push(JSON.stringify(meta));
      expected.metas =
        (await attempt(store.setMeta(meta))) || disk.off ? expected.metas : expected.metas.slice(0, 1);
      if (!disk.off) expected.metas = [JSON.stringify(store.meta())];
    } else if (chosen === 9) {
      const shape = { revision: revision(`r${pick(1e9)}`), pageSize: PAGE_SIZE, pageCount: PAGES };
      expected.shapes.push(shape);
      if (await attempt(store.reset(shape))) {
        expected.shapes = [shape];
        expected.values.clear();
        expected.unsettled.clear();
      } else if (!disk.off) expected.shapes.pop();
    } else if (chosen > 10) {
      const shape = { revision: revision(`r${pick(1e9)}`), pageSize: PAGE_SIZE, pageCount: PAGES };
      const dropped = new Set(somePages());
      for (const page of dropped) expected.values.set(page, [...expected.valuesOf(page), ABSENT]);
      expected.shapes.push(shape);
      expected.adopting.set(shape, dropped);
      if (
        await attempt(
          store.adopt(
            shape,
            [...dropped].map((page) => ({ first: page, last: page })),
          ),
        )
      ) {
        expected.shapes = [shape];
        for (const page of dropped) expected.values.set(page, [ABSENT]);
      } else if (!disk.off) expected.shapes.pop();
      if (!disk.off) expected.adopting.clear();
    } else {
      const found = store.get(allPages);
      if (await attempt(found)) {
        for (const [i, bytes] of (await found).entries()) {
          expected.check(expected.shapes[0], (i + 1) as PageNo, versionOf(bytes));
        }
      }
    }
  }
  return expected;
}

/** Opens what is left and holds it against what was promised. */
async function inspect(disk: SimulatedDisk, expected: Expectation, random: Random): Promise<PageStore> {
  const store = await open(disk, random);
  const shape = expected.shapes.find((known) => known?.revision === store.shape()?.revision);
  expect(store.shape()).toEqual(shape);
  expect(expected.metas).toContain(JSON.stringify(store.meta()));
  const found = await store.get(allPages);
  found.forEach((bytes, i) => {
    expected.check(shape, (i + 1) as PageNo, versionOf(bytes));
  });
  expect([...store.resident()]).toEqual(allPages.filter((_, i) => found[i] !== undefined));
  return store;
}

describe("a replica whose process ends at any point", () => {
  for (const end of ["power cut", "kill"] as const) {
    it(`holds each page whole or not at all, and never an older one, after a ${end}`, async () => {
      for (let seed = 1; seed <= 40; seed++) {
        const random = seededRandom(seed * (end === "kill" ? 3 : 7));
        let disk = new SimulatedDisk();
        // Three lives in a row: what one leaves behind the next has to cope with.
        let expected = new Expectation();
        for (let round = 0; round < 3; round++) {
          const store = await inspect(disk, expected, random);
          let left = 5 + Math.floor(random() * 120);
          const running = disk;
          running.before = ({ kind, path }) => {
            if (--left <= 0) {
              running.off = true;
              throw failure("EIO", path);
            }
            const fallible = kind === "write" || kind === "sync" || kind === "truncate" || kind === "read";
            running.tornBytes = Math.floor(random() * 2 * PAGE_SIZE);
            if (fallible && random() < 0.03) throw failure(kind === "write" ? "ENOSPC" : "EIO", path);
          };
          expected = await live(running, store, random);
          disk = end === "kill" ? running.afterKill() : running.afterPowerCut(() => random() < 0.5);
        }
        await inspect(disk, expected, random);
      }
    });
  }
});
