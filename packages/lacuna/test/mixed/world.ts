import { expect } from "vitest";
import { ModelWriter, mistakeIn, randomNumbers, type Seen, versionsOf } from "../commit-model.ts";
import type { Remote } from "./remote.ts";

/** What all clients know of each other. */
export class World {
  readonly writers: ModelWriter[] = [];
  /** The states that were seen, as numbers of commits. */
  readonly states: number[][] = [];
  readonly random: () => number;
  readonly remote: Remote;
  readonly #seed: number;

  constructor(remote: Remote, seed: number) {
    this.remote = remote;
    this.#seed = seed;
    this.random = randomNumbers(seed);
  }

  writer(): ModelWriter {
    const writer = new ModelWriter(
      this.writers.length + 1,
      randomNumbers(this.#seed * 100 + this.writers.length),
    );
    this.writers.push(writer);
    return writer;
  }

  /** The highest numbers that a reader must see from now on. */
  acknowledged(): number[] {
    return this.writers.map(({ acknowledged }) => acknowledged);
  }

  /** The highest numbers that a reader can have seen until now. */
  begun(): number[] {
    return this.writers.map(({ version }) => version);
  }

  check(seen: Seen, least: readonly number[], most: readonly number[]): number[] {
    expect(mistakeIn(seen, this.writers, least, most)).toBeUndefined();
    return versionsOf(seen, this.writers);
  }
}

/** One of those who work on the remote. */
export interface Client {
  /** Does something at random. */
  step(): Promise<void>;
  /** What it has when nobody writes any more. */
  last(): Promise<Seen>;
}
