import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect, onTestFinished } from "vitest";
import type { ModelWriter, Seen } from "../commit-model.ts";
import { seenInFile } from "./seen.ts";
import type { Client, World } from "./world.ts";

/** Writes past the server, in a process of its own. */
export class RawClient implements Client {
  readonly #world: World;
  readonly #writer: ModelWriter;
  readonly #child: ChildProcess;

  private constructor(world: World, child: ChildProcess) {
    this.#world = world;
    this.#writer = world.writer();
    this.#child = child;
  }

  static async open(world: World): Promise<RawClient> {
    const child = fork(join(import.meta.dirname, "writer-on-request.ts"), [world.remote.path]);
    await once(child, "message");
    onTestFinished(async () => {
      const exit = once(child, "exit");
      child.disconnect();
      await exit;
    });
    return new RawClient(world, child);
  }

  async step(): Promise<void> {
    const dice = this.#world.random();
    if (dice < 0.03) await this.#run("VACUUM");
    else if (dice < 0.1) await this.#run("PRAGMA wal_checkpoint(PASSIVE)");
    else {
      await this.#run(`BEGIN IMMEDIATE; ${this.#writer.next().join("; ")}; COMMIT`);
      this.#writer.acknowledged = this.#writer.version;
    }
  }

  async last(): Promise<Seen> {
    return seenInFile(this.#world.remote.path);
  }

  async #run(sql: string): Promise<void> {
    this.#child.send(sql);
    const [error] = await once(this.#child, "message");
    expect(error).toBeNull();
  }
}
