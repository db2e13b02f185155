import { DatabaseSync } from "node:sqlite";
import { expect, onTestFinished } from "vitest";
import { ITEMS, MARKS, type ModelWriter, type Seen } from "../commit-model.ts";
import { seenBy } from "./seen.ts";
import type { Client, World } from "./world.ts";

/** Writes on the server, in one request or in several. */
export class SqlClient implements Client {
  readonly #world: World;
  readonly #writer: ModelWriter;
  readonly #onlooker: Onlooker;

  constructor(world: World) {
    this.#world = world;
    this.#writer = world.writer();
    this.#onlooker = new Onlooker(world);
  }

  async step(): Promise<void> {
    // To look on takes a whole processor, so it is done now and then.
    const work = this.#write();
    await (this.#world.random() < 0.4 ? this.#onlooker.during(work) : work);
  }

  async #write(): Promise<void> {
    const statements = this.#writer.next();
    if (this.#world.random() < 0.5) {
      await this.#run(["BEGIN IMMEDIATE", ...statements, "COMMIT"]);
    } else {
      const { baton } = await this.#run(["BEGIN IMMEDIATE", ...statements.slice(0, 1)]);
      await this.#run([...statements.slice(1), "COMMIT"], baton);
    }
    this.#writer.acknowledged = this.#writer.version;
  }

  async last(): Promise<Seen> {
    const [marks = [], items = []] = (await this.#run([MARKS, ITEMS])).rows;
    return {
      marks: marks.map(([writer, version]) => ({ writer: Number(writer), version: Number(version) })),
      items: items.map(([id, body]) => ({ id: Number(id), body: String(body) })),
    };
  }

  async #run(
    statements: readonly string[],
    baton: string | null = null,
  ): Promise<{ baton: string | null; rows: unknown[][][] }> {
    const requests = statements.map((sql) => ({ type: "execute", stmt: { sql } }));
    const response = await fetch(`${this.#world.remote.url}/v2/pipeline`, {
      method: "POST",
      body: JSON.stringify({ baton, requests }),
    });
    expect(response.status).toBe(200);
    const answer = (await response.json()) as PipelineAnswer;
    for (const { error } of answer.results) expect(error).toBeUndefined();
    const rows = answer.results.map(({ response: given }) =>
      (given?.result.rows ?? []).map((row) => row.map(({ value }) => value)),
    );
    return { baton: answer.baton, rows };
  }
}

interface PipelineAnswer {
  readonly baton: string | null;
  readonly results: readonly {
    readonly error?: unknown;
    readonly response?: { readonly result: { readonly rows?: readonly { readonly value: unknown }[][] } };
  }[];
}

/** Reads past the server, at every commit it can catch: what nobody else happens to ask for must be right too. */
class Onlooker {
  readonly #world: World;
  readonly #database: DatabaseSync;
  #version: unknown;

  constructor(world: World) {
    this.#world = world;
    this.#database = new DatabaseSync(world.remote.path, { readOnly: true, timeout: 20_000 });
    onTestFinished(() => this.#database.close());
  }

  /** Looks on for as long as something is under way. */
  async during<T>(work: Promise<T>): Promise<T> {
    let isOver = false;
    const over = (): void => {
      isOver = true;
    };
    work.then(over, over);
    while (!isOver) {
      this.#look();
      await new Promise((resolve) => setImmediate(resolve));
    }
    return work;
  }

  #look(): void {
    const version = this.#database.prepare("PRAGMA data_version").get()?.["data_version"];
    if (version === this.#version) return;
    this.#version = version;
    const least = this.#world.acknowledged();
    this.#database.exec("BEGIN");
    const seen = seenBy(this.#database);
    this.#database.exec("COMMIT");
    this.#world.states.push(this.#world.check(seen, least, this.#world.begun()));
  }
}
