import { join } from "node:path";
import type { Database as TursoDatabase, DatabaseOpts as TursoOptions } from "@tursodatabase/sync";
import { onTestFinished } from "vitest";
import { ITEMS, type ItemRow, MARKS, type MarkRow, type ModelWriter, type Seen } from "../commit-model.ts";
import type { Client, World } from "./world.ts";

/** The client of somebody else: commits to its own file, pushes and pulls. */
export class TursoClient implements Client {
  readonly #world: World;
  readonly #db: TursoDatabase;
  readonly #writer: ModelWriter;
  #least: number[];
  #most: number[];

  private constructor(world: World, db: TursoDatabase) {
    this.#world = world;
    this.#db = db;
    this.#writer = world.writer();
    this.#least = [];
    this.#most = [];
  }

  static async open(world: World, name: string, options: Partial<TursoOptions>): Promise<TursoClient> {
    // It brings native code, so it is loaded only where it is used.
    const turso = await import("@tursodatabase/sync");
    const { url, directory } = world.remote;
    const db = await turso.connect({ path: join(directory, name), url, ...options });
    onTestFinished(() => db.close());
    return new TursoClient(world, db);
  }

  async step(): Promise<void> {
    const dice = this.#world.random();
    if (dice < 0.4) await this.#db.exec(`BEGIN; ${this.#writer.next().join("; ")}; COMMIT`);
    else if (dice < 0.6) await this.#push();
    else if (dice < 0.8) await this.#pull();
    else await this.#read();
  }

  async last(): Promise<Seen> {
    await this.#pull();
    return this.#read();
  }

  async finish(): Promise<void> {
    await this.#push();
  }

  async #push(): Promise<void> {
    await this.#db.push();
    this.#writer.acknowledged = this.#writer.version;
  }

  async #pull(): Promise<void> {
    const least = this.#world.acknowledged();
    await this.#db.pull();
    this.#least = least;
    this.#most = this.#world.begun();
  }

  async #read(): Promise<Seen> {
    const marks: MarkRow[] = await (await this.#db.prepare(MARKS)).all();
    const items: ItemRow[] = await (await this.#db.prepare(ITEMS)).all();
    const own = this.#writer.version;
    const withOwn = (versions: readonly number[]): number[] =>
      this.#world.writers.map((writer, i) => (writer === this.#writer ? own : (versions[i] ?? 0)));
    this.#world.check({ marks, items }, withOwn(this.#least), withOwn(this.#most));
    return { marks, items };
  }
}
