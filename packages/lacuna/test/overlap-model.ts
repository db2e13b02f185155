import { setImmediate } from "node:timers/promises";
import { expect } from "vitest";
import { type Database, isLacunaError, type Transaction } from "../src/index.ts";
import { rowsOf, type SyncRemote } from "./sync-remote.ts";

/** Rows of `kept` and `loose` name the caller that wrote them; those of caller 0 are the remote's. */
export const OVERLAP_SCHEMA = `CREATE TABLE kept(id INTEGER PRIMARY KEY, caller INTEGER, v TEXT);
  CREATE INDEX of_caller ON kept(caller, v);
  CREATE TABLE loose(caller INTEGER, n INTEGER);
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400)
  INSERT INTO kept SELECT i, 0, printf('%d %.*c', i, 500, 'x') FROM n`;

/** What may become of a call whose requests fail, or that finds the remote ahead. */
const OF_THE_REMOTE = ["NETWORK", "REVISION_CHANGED", "BUSY"];
const LEFT = new Error("the caller left");

interface Write {
  readonly sql: string;
  readonly args: readonly (number | string)[];
  /** What it does to what its caller has written. */
  readonly happens: () => void;
}

/** Someone who calls a handle that others call at the same time. Only this caller writes its rows. */
export class Caller {
  readonly number: number;
  readonly #random: () => number;
  readonly #kept = new Map<number, string>();
  readonly #loose = new Set<number>();
  #next = 1;
  /** How often what happened. */
  readonly counts: Map<string, number>;

  constructor(number: number, random: () => number, counts: Map<string, number>) {
    this.number = number;
    this.#random = random;
    this.counts = counts;
  }

  /** Does something at random; what it acknowledges has happened and what it refuses has not. @returns false once the handle is closed */
  async step(db: Database): Promise<boolean> {
    const dice = this.#below(100);
    if (dice < 55) return this.#write(db);
    if (dice < 70) return this.#may(() => this.check(db));
    if (dice < 78) return this.#may(() => this.#leaveLoop(db));
    return this.#may(() => this.#maintain(db));
  }

  /** Sees its rows as it wrote them, perhaps after the replica had to move on. */
  async checkAlone(db: Database): Promise<void> {
    while (!(await this.#moves(() => this.check(db))));
  }

  /** Sees its rows as it wrote them. */
  async check(db: Database): Promise<void> {
    const { number } = this;
    const kept = await rowsOf(db, `SELECT id, v FROM kept WHERE caller = ${number} ORDER BY id`);
    expect(kept).toEqual(this.#rowsOfKept());
    const loose = await rowsOf(db, `SELECT n FROM loose WHERE caller = ${number} ORDER BY n`);
    expect(loose).toEqual(this.#rowsOfLoose());
    this.#count("checked");
  }

  /** The remote has its rows as it wrote them. */
  checkRemote(remote: SyncRemote): void {
    const { number } = this;
    expect(remote.rows(`SELECT id, v FROM kept WHERE caller = ${number} ORDER BY id`)).toEqual(
      this.#rowsOfKept(),
    );
    expect(remote.rows(`SELECT n FROM loose WHERE caller = ${number} ORDER BY n`)).toEqual(
      this.#rowsOfLoose(),
    );
  }

  async #write(db: Database): Promise<boolean> {
    const writes = Array.from({ length: 1 + this.#below(3) }, () => this.#aWrite());
    const [first] = writes as [Write];
    const { sql, args } = first;
    const run = async (by: Pick<Transaction, "run">): Promise<void> => {
      for (const { sql, args } of writes) await by.run(sql, ...args);
    };
    const leaving = new AbortController();
    const { signal } = leaving;
    const dice = this.#below(7);
    const happens = dice < 3 ? [first] : writes;
    let work: () => Promise<unknown>;
    if (dice === 0) work = () => db.run(sql, ...args);
    else if (dice === 1) work = () => db.with({ signal }).run(sql, ...args);
    else if (dice === 2) work = async () => (await db.prepare(sql, { signal })).with({ signal }).run(...args);
    else if (dice === 3) work = () => db.batch(writes, "immediate");
    else if (dice === 4) work = () => db.transaction(() => run(db)).immediate();
    else if (dice === 5) work = () => db.transactionAsync(run)();
    else {
      const undone = async (by: Transaction): Promise<void> => {
        await run(by);
        throw LEFT;
      };
      work = () => db.transactionAsync(undone)();
    }
    const isOpen = await this.#may(async () => {
      await this.#leavingAt(leaving, dice === 1 || dice === 2, work);
      for (const write of happens) write.happens();
      this.#count("written");
    });
    return isOpen && this.#may(() => this.check(db));
  }

  #aWrite(): Write {
    const { number } = this;
    const known = [...this.#kept.keys()];
    const id = known[this.#below(known.length)];
    const n = this.#next++;
    const dice = this.#below(10);
    if (id !== undefined && dice < 3) {
      const v = `again ${n}`;
      const happens = (): void => void (this.#kept.has(id) && this.#kept.set(id, v));
      return { sql: "UPDATE kept SET v = ? WHERE id = ?", args: [v, id], happens };
    }
    if (id !== undefined && dice < 5)
      return { sql: "DELETE FROM kept WHERE id = ?", args: [id], happens: () => void this.#kept.delete(id) };
    if (dice < 7) {
      const v = `${n} ${"y".repeat(this.#below(900))}`;
      const key = number * 100_000 + n;
      const happens = (): void => void this.#kept.set(key, v);
      return { sql: "INSERT INTO kept VALUES (?, ?, ?)", args: [key, number, v], happens };
    }
    const happens = (): void => void this.#loose.add(n);
    return { sql: "INSERT INTO loose VALUES (?, ?)", args: [number, n], happens };
  }

  async #leaveLoop(db: Database): Promise<void> {
    let left = this.#below(200);
    for await (const _ of db.iterate("SELECT * FROM kept, (SELECT count(*) FROM loose)"))
      if (left-- === 0) break;
    this.#count("iterated");
  }

  async #maintain(db: Database): Promise<void> {
    const leaving = new AbortController();
    const { signal } = leaving;
    const works: readonly (readonly [string, () => Promise<unknown>])[] = [
      ["push", () => db.push({ signal })],
      ["push", () => db.push({ signal })],
      ["pull", () => db.pull({ signal })],
      ["pull", () => db.pull({ signal })],
      ["checkpoint", () => db.checkpoint()],
      ["hydrate", () => db.hydrate(undefined, { signal })],
      ["hydrate table", () => db.hydrate({ table: "loose" }, { signal })],
      ["hydrate query", () => db.hydrate("SELECT * FROM kept WHERE id % 7 = 0", { signal })],
      ["estimate", () => db.estimate("SELECT * FROM kept ORDER BY v")],
      ["pending", () => db.pending()],
      ["stats", () => db.stats()],
    ];
    const [what, work] = works[this.#below(works.length)] as (typeof works)[number];
    await this.#leavingAt(leaving, this.#below(3) === 0, work);
    this.#count(what);
  }

  /** Does some work, and leaves it after a few turns of the event loop. */
  async #leavingAt(leaving: AbortController, leaves: boolean, work: () => Promise<unknown>): Promise<void> {
    const done = work();
    if (leaves) {
      done.catch(() => {});
      for (let turns = this.#below(12); turns > 0; turns--) await setImmediate();
      leaving.abort(LEFT);
    }
    await done;
  }

  /** @returns false if the handle is closed */
  async #may(work: () => Promise<unknown>): Promise<boolean> {
    try {
      await work();
    } catch (error) {
      if (isLacunaError(error, "CLOSED")) return false;
      const why = error === LEFT ? "left" : reasonOf(error);
      if (why === undefined) throw error;
      this.#count(why);
    }
    return true;
  }

  /** @returns false if the remote no longer has the revision */
  async #moves(work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
    } catch (error) {
      if (!isLacunaError(error, "REVISION_CHANGED")) throw error;
      return false;
    }
    return true;
  }

  #rowsOfKept(): unknown[][] {
    return [...this.#kept].sort(([a], [b]) => a - b);
  }

  #rowsOfLoose(): unknown[][] {
    return [...this.#loose].sort((a, b) => a - b).map((n) => [n]);
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  #count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }
}

/** Why something did not happen that may fail; `undefined` if it must not. */
function reasonOf(error: unknown): string | undefined {
  if (!isLacunaError(error)) return undefined;
  // An iterator that was open as the replica had to move on.
  if ("sqliteCode" in error && error.sqliteCode === "SQLITE_BUSY_SNAPSHOT") return error.code;
  return OF_THE_REMOTE.includes(error.code) ? error.code : undefined;
}
