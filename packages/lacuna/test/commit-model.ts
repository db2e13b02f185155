import { createHash } from "node:crypto";

/** A row of `item`, whose `id` tells the writer: `writer * 1000 + n`. */
export interface ItemRow {
  readonly id: number;
  readonly body: string;
}

/** A row of `mark`: the number of the writer's last commit. */
export interface MarkRow {
  readonly writer: number;
  readonly version: number;
}

/** What a database holds, as a reader saw it. */
export interface Seen {
  readonly items: readonly ItemRow[];
  readonly marks: readonly MarkRow[];
}

export const ITEMS = "SELECT id, body FROM item ORDER BY id";
export const MARKS = "SELECT writer, version FROM mark ORDER BY writer";
export const SCHEMA =
  "CREATE TABLE item (id INTEGER PRIMARY KEY, body TEXT); CREATE TABLE mark (writer INTEGER PRIMARY KEY, version INTEGER);";

const IDS = 40;

/** Numbers from 0 to below 1, the same for the same seed. */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return ((state ^ (state >>> 16)) >>> 0) / 2 ** 32;
  };
}

/**
 * One that commits, and what its rows are after each commit. Writers own different rows, and each transaction carries its
 * number: so the numbers that a reader sees tell every row that it must see, whoever came first.
 */
export class ModelWriter {
  readonly writer: number;
  /** The last commit that the server has acknowledged. */
  acknowledged = 0;
  /** Its rows after each commit, as a hash. */
  readonly #states: string[] = [hashOf([])];
  readonly #rows = new Map<number, string>();
  readonly #random: () => number;

  constructor(writer: number, random: () => number) {
    this.writer = writer;
    this.#random = random;
  }

  /** The last commit that was begun. */
  get version(): number {
    return this.#states.length - 1;
  }

  /** The statements of the next commit, without the transaction around them. It counts from now on. */
  next(): string[] {
    const version = this.#states.length;
    const statements: string[] = [];
    for (let i = this.#below(4); i >= 0; i--) statements.push(this.#change(version));
    statements.push(
      version === 1
        ? `INSERT INTO mark VALUES (${this.writer}, 1)`
        : `UPDATE mark SET version = ${version} WHERE writer = ${this.writer}`,
    );
    const rows = [...this.#rows].sort(([one], [other]) => one - other);
    this.#states.push(hashOf(rows.map(([id, body]) => ({ id, body }))));
    return statements;
  }

  /** A hash of its rows after a commit; `undefined` if there was none of that number. */
  stateAt(version: number): string | undefined {
    return this.#states[version];
  }

  #change(version: number): string {
    const id = this.writer * 1000 + this.#below(IDS);
    if (this.#random() < 0.25) {
      this.#rows.delete(id);
      return `DELETE FROM item WHERE id = ${id}`;
    }
    const body = `${version} `.repeat(1 + this.#below(this.#random() < 0.05 ? 3000 : 300));
    const before = this.#rows.has(id);
    this.#rows.set(id, body);
    return before
      ? `UPDATE item SET body = '${body}' WHERE id = ${id}`
      : `INSERT INTO item VALUES (${id}, '${body}')`;
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }
}

/**
 * Why what was seen is no state between commits; `undefined` if it is one.
 * @param least the lowest numbers that may be seen, by writer
 * @param most the highest
 */
export function mistakeIn(
  seen: Seen,
  writers: readonly ModelWriter[],
  least: readonly number[],
  most: readonly number[],
): string | undefined {
  const versions = versionsOf(seen, writers);
  let known = 0;
  for (const [index, writer] of writers.entries()) {
    const version = versions[index] ?? 0;
    const [from = 0, to = 0] = [least[index], most[index]];
    const at = `writer ${writer.writer} at ${version}`;
    if (version < from || version > to) return `${at}, not from ${from} to ${to}`;
    const rows = seen.items.filter(({ id }) => Math.floor(id / 1000) === writer.writer);
    if (hashOf(rows) !== writer.stateAt(version)) return `${at}: other rows than it committed`;
    known += rows.length;
  }
  return known === seen.items.length ? undefined : "rows of nobody";
}

/** The number of the last commit of each writer. */
export function versionsOf({ marks }: Seen, writers: readonly ModelWriter[]): number[] {
  return writers.map(({ writer }) => marks.find((mark) => mark.writer === writer)?.version ?? 0);
}

/** Whether states follow each other: of two, one has at least as much of every writer as the other. */
export function areInOneOrder(states: readonly (readonly number[])[]): boolean {
  const sum = (state: readonly number[]): number => state.reduce((total, version) => total + version, 0);
  const sorted = [...states].sort((one, other) => sum(one) - sum(other));
  return sorted.every((state, i) => state.every((version, w) => version >= (sorted[i - 1]?.[w] ?? 0)));
}

function hashOf(rows: readonly ItemRow[]): string {
  const hash = createHash("sha256");
  for (const { id, body } of rows) hash.update(`${id}=${body};`);
  return hash.digest("hex");
}
