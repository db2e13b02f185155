import { join } from "node:path";
import { expect, it } from "vitest";
import type { Database } from "../src/index.ts";
import { randomNumbers } from "./commit-model.ts";
import { rowsOf, type SyncRemote, syncRemote } from "./sync-remote.ts";

const STEPS = Number(process.env["LACUNA_SYNC_STEPS"] ?? 120);
const SEED = Number(process.env["LACUNA_SEED"] ?? 1);

const SCHEMA = `CREATE TABLE keyed(id INTEGER PRIMARY KEY, v TEXT, n REAL);
  CREATE TABLE pair(a TEXT NOT NULL, b INT NOT NULL, v, PRIMARY KEY(a, b)) WITHOUT ROWID;
  CREATE TABLE loose(who TEXT, v);
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 600)
  INSERT INTO keyed SELECT i, printf('%.*c', 300, 'x'), i / 2.0 FROM n`;
const TABLES = ["keyed ORDER BY id", "pair ORDER BY a, b", "loose ORDER BY who, v"];

/** A replica with a file of its own, and what it wrote to the table without a key: nobody else may touch that. */
class Actor {
  readonly #remote: SyncRemote;
  readonly #random: () => number;
  readonly #options: Parameters<SyncRemote["replica"]>[0];
  readonly name: string;
  db: Database;
  readonly loose = new Map<number, number>();
  #next = 0;

  private constructor(
    name: string,
    remote: SyncRemote,
    random: () => number,
    partial: boolean,
    db: Database,
  ) {
    this.name = name;
    this.#remote = remote;
    this.#random = random;
    this.db = db;
    this.#options = Actor.options(name, remote, partial);
  }

  static options(
    name: string,
    remote: SyncRemote,
    partial: boolean,
  ): NonNullable<Parameters<SyncRemote["replica"]>[0]> {
    const partialSync = {
      bootstrapStrategy: { kind: "prefix", length: 4096 },
      segmentSize: 8192,
      prefetch: false,
    } as const;
    return {
      path: join(remote.directory, `${name}.db`),
      attempts: 2,
      readers: 1,
      ...(partial ? { partialSync } : {}),
    };
  }

  static async start(
    name: string,
    remote: SyncRemote,
    random: () => number,
    partial: boolean,
  ): Promise<Actor> {
    return new Actor(
      name,
      remote,
      random,
      partial,
      await remote.replica(Actor.options(name, remote, partial)),
    );
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  /** Something at random; what may fail because the network does is swallowed, and nothing else. */
  async step(): Promise<void> {
    const dice = this.#below(100);
    if (dice < 55) await this.#write();
    else if (dice < 70) await this.#maybe(() => this.db.push());
    else if (dice < 85) await this.#maybe(() => this.db.pull());
    else if (dice < 90) await this.db.checkpoint();
    else if (dice < 94) await this.#restart();
    else await this.#maybe(() => Promise.all([this.db.push(), this.db.pull(), this.#write()]));
  }

  async #maybe(work: () => Promise<unknown>): Promise<void> {
    const failing = this.#below(100);
    if (failing < 12) this.#remote.offline = true;
    // The reply is lost after the server did what it says.
    else if (failing < 30) {
      this.#remote.intercept = async (_, pass) => {
        const response = await pass();
        if (this.#below(2) === 0) return response;
        await response.arrayBuffer();
        throw new TypeError("the connection broke");
      };
    }
    try {
      await work();
    } catch (error) {
      const { code } = error as { code?: string };
      if (!["NETWORK", "REVISION_CHANGED"].includes(code ?? "")) throw error;
    } finally {
      this.#remote.offline = false;
      this.#remote.intercept = undefined;
    }
  }

  async #restart(): Promise<void> {
    await this.db.close();
    this.db = await this.#remote.replica(this.#options);
  }

  async #write(): Promise<void> {
    const id = 1 + this.#below(650);
    switch (this.#below(7)) {
      case 0:
        return void (await this.db.run(
          "INSERT OR REPLACE INTO keyed VALUES (?, ?, ?)",
          id,
          this.name,
          id * 1.5,
        ));
      case 1:
        return void (await this.db.run(
          "UPDATE keyed SET v = ? WHERE id BETWEEN ? AND ?",
          this.name,
          id,
          id + 3,
        ));
      case 2:
        return void (await this.db.run("DELETE FROM keyed WHERE id = ?", id));
      case 3:
        return void (await this.db.run(
          "INSERT INTO pair VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET v = excluded.v",
          `k${id % 7}`,
          id % 5,
          this.name,
        ));
      case 4: {
        const key = this.#next++;
        await this.db.run("INSERT INTO loose VALUES (?, ?)", this.name, key);
        this.loose.set(key, key);
        return;
      }
      case 5: {
        const key = [...this.loose.keys()][this.#below(this.loose.size)];
        if (key === undefined) return;
        const next = 1_000_000 + this.#next++;
        await this.db.run(
          "UPDATE loose SET v = ? WHERE who = ? AND v = ?",
          next,
          this.name,
          this.loose.get(key) ?? null,
        );
        this.loose.set(key, next);
        return;
      }
      default:
        await this.db.batch(
          [
            `UPDATE keyed SET n = n + 1 WHERE id = ${id}`,
            `DELETE FROM pair WHERE b = ${id % 5} AND a = 'k1'`,
          ],
          "immediate",
        );
    }
  }

  async own(): Promise<unknown[]> {
    return (await rowsOf(this.db, `SELECT v FROM loose WHERE who = '${this.name}' ORDER BY v`)).flat();
  }
}

it("replicas that write, push, pull, restart and lose replies come to the same, and lose nothing", {
  timeout: 600_000,
}, async () => {
  const remote = await syncRemote(SCHEMA);
  const random = randomNumbers(SEED);
  const actors = [
    await Actor.start("full", remote, random, false),
    await Actor.start("partial", remote, random, true),
    await Actor.start("other", remote, random, true),
  ];
  for (let step = 0; step < STEPS; step++) {
    const actor = actors[Math.floor(random() * actors.length)] as Actor;
    await actor.step();
    if (step % 10 === 0) remote.exec(`UPDATE keyed SET v = 'raw ${step}' WHERE id % 97 = ${step % 97}`);
    // One's own writes are always in sight.
    expect(await actor.own(), `step ${step} of ${actor.name}`).toEqual(
      [...actor.loose.values()].sort((a, b) => a - b),
    );
  }
  for (const { db } of actors) await db.push();
  for (const { db } of actors) await db.pull();
  for (const actor of actors) {
    expect(await rowsOf(actor.db, "PRAGMA integrity_check")).toEqual([["ok"]]);
    for (const table of TABLES)
      expect(await rowsOf(actor.db, `SELECT * FROM ${table}`)).toEqual(remote.rows(`SELECT * FROM ${table}`));
    expect(await actor.db.pending()).toEqual([]);
    const own = remote.rows(`SELECT v FROM loose WHERE who = '${actor.name}' ORDER BY v`).flat();
    expect(own).toEqual([...actor.loose.values()].sort((a, b) => a - b));
  }
  expect(remote.rows("PRAGMA integrity_check")).toEqual([["ok"]]);
});
