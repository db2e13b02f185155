import { isLacunaError } from "@lacuna/page";
import { failure, SimulatedDisk, seededRandom } from "@lacuna/testkit";
import { describe, expect, it } from "vitest";
import type { FileSystem } from "../src/files/file-system.ts";
import { lockPath, type PathLock, type Processes, type ProcessIdentity } from "../src/files/path-lock.ts";

const LOCK = "/data/app.db-lock";

/** Processes that are alive until they are said to be dead. */
class Population {
  readonly dead = new Set<number>();

  seenBy(pid: number): Processes {
    return {
      self: () => ({ pid, started: `s${pid}` }),
      isAlive: (process: ProcessIdentity) => !this.dead.has(process.pid),
    };
  }
}

const tokenOf = (pid: number, attempt = 0): string => (pid * 1000 + attempt).toString(16).padStart(8, "0");
const take = (disk: FileSystem, people: Population, pid: number, attempt = 0): Promise<PathLock> =>
  lockPath(disk, LOCK, people.seenBy(pid), tokenOf(pid, attempt));

/** Lets one of all operations that wait go at a time, in an order that depends on the seed alone. */
class Interleaving {
  readonly #waiting: (() => void)[] = [];
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  /** The file system as one process sees it: each call waits for its turn. A stopped process waits for ever. */
  seenBy(disk: SimulatedDisk, isStopped: () => boolean): FileSystem {
    const turn = async <T>(work: () => Promise<T>): Promise<T> => {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
      return isStopped() ? new Promise<T>(() => {}) : work();
    };
    return {
      size: (path) => turn(() => disk.size(path)),
      link: (path, second) => turn(() => disk.link(path, second)),
      rename: (path, name) => turn(() => disk.rename(path, name)),
      remove: (path) => turn(() => disk.remove(path)),
      syncDirectory: (path) => turn(() => disk.syncDirectory(path)),
      open: (path, how) =>
        turn(async () => {
          const file = await disk.open(path, how);
          return {
            ...file,
            read: (into, position) => turn(() => file.read(into, position)),
            write: (bytes, position) => turn(() => file.write(bytes, position)),
          };
        }),
    };
  }

  async run(): Promise<void> {
    for (;;) {
      // A macrotask: by then everything that could go on without a turn has.
      await new Promise((resolve) => setImmediate(resolve));
      const [next] = this.#waiting.splice(Math.floor(this.#random() * this.#waiting.length), 1);
      if (next === undefined) return;
      next();
    }
  }
}

describe("lockPath", () => {
  it("makes a lock that names its process, and removes it", async () => {
    const disk = new SimulatedDisk();
    const lock = await take(disk, new Population(), 7);
    expect(disk.names()).toEqual([LOCK]);
    expect(new TextDecoder().decode(disk.contents(LOCK))).toContain('"pid":7');
    await lock.release();
    expect(disk.names()).toEqual([]);
  });

  it("refuses while the owner lives, naming it", async () => {
    const [disk, people] = [new SimulatedDisk(), new Population()];
    await take(disk, people, 7);
    const refused = await take(disk, people, 8).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "LOCKED", path: LOCK });
    expect(String(refused)).toContain("process 7");
    expect(String(await take(disk, people, 7, 1).catch((error: unknown) => error))).toContain(
      "this process (7)",
    );
    expect(disk.names()).toEqual([LOCK]);
  });

  it("takes over from a dead owner and leaves nothing beside the lock", async () => {
    const [disk, people] = [new SimulatedDisk(), new Population()];
    const first = await take(disk, people, 7);
    people.dead.add(7);
    const second = await take(disk, people, 8);
    expect(disk.names()).toEqual([LOCK]);
    // The dead one, were it only slow, does not take the new owner's lock away.
    await first.release();
    expect(disk.names()).toEqual([LOCK]);
    await second.release();
    expect(disk.names()).toEqual([]);
  });

  it("refuses a lock file it cannot read and leaves it there", async () => {
    for (const contents of [
      "",
      "{}",
      "some words",
      '{"pid":1,"started":"x","token":"../../etc"}',
      '{"pid":-1}',
    ]) {
      const disk = new SimulatedDisk();
      disk.place(LOCK, new TextEncoder().encode(contents));
      await expect(take(disk, new Population(), 8)).rejects.toMatchObject({ code: "LOCKED", path: LOCK });
      expect(disk.names()).toEqual([LOCK]);
    }
  });

  it("works where a file cannot have a second name", async () => {
    const [disk, people] = [new SimulatedDisk(), new Population()];
    disk.before = ({ kind, path }) => {
      if (kind === "link") throw failure("EPERM", path);
    };
    await take(disk, people, 7);
    await expect(take(disk, people, 8)).rejects.toMatchObject({ code: "LOCKED" });
    people.dead.add(7);
    const lock = await take(disk, people, 8);
    await lock.release();
    expect(disk.names()).toEqual([]);
  });

  it("ends if the lock can neither be made nor read", async () => {
    const disk = new SimulatedDisk();
    disk.before = ({ kind, path }) => {
      if (kind === "link") throw failure("EEXIST", path);
    };
    await expect(take(disk, new Population(), 8)).rejects.toMatchObject({ code: "LOCKED" });
  });

  it("has at most one living owner, however takers interleave, die and come again", async () => {
    let takeovers = 0;
    for (let seed = 1; seed <= 150; seed++) {
      const random = seededRandom(seed * 31);
      const [disk, people] = [new SimulatedDisk(), new Population()];
      await take(disk, people, 99);
      people.dead.add(99);
      const interleaving = new Interleaving(seed);
      const owners = new Set<number>();
      const taker = async (pid: number): Promise<void> => {
        const files = interleaving.seenBy(disk, () => people.dead.has(pid));
        for (let attempt = 0; attempt < 3; attempt++) {
          try {
            const lock = await take(files, people, pid, attempt);
            owners.add(pid);
            takeovers++;
            expect([...owners].filter((owner) => !people.dead.has(owner))).toEqual([pid]);
            // Using what it owns takes a while.
            for (let i = 0; i < 3; i++) await files.size("/data/app.db");
            owners.delete(pid);
            await lock.release();
          } catch (error) {
            if (!isLacunaError(error, "LOCKED")) throw error;
          }
        }
      };
      const mortals = seed % 3 === 0 ? [] : [1, 2, 3];
      const deaths = async (): Promise<void> => {
        for (const pid of mortals) {
          const clock = interleaving.seenBy(disk, () => false);
          for (let i = Math.floor(random() * 40); i > 0; i--) await clock.size("/data/app.db");
          people.dead.add(pid);
        }
      };
      const working = Promise.all([...[1, 2, 3, 4, 5].map(taker), deaths()]);
      // Takers that died never finish: it is over when nobody waits for a turn any more.
      await Promise.race([working, interleaving.run()]);
      if (mortals.length === 0) expect(disk.names()).toEqual([]);
      // Whatever happened, the next one can have it.
      for (const pid of [1, 2, 3, 4, 5]) people.dead.add(pid);
      await take(disk, people, 6);
    }
    expect(takeovers).toBeGreaterThan(150);
  });
});
