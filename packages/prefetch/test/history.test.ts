import { forEachEntry, IndexWalk } from "@lacuna/btree";
import type { PageSource, ReadTask } from "@lacuna/page";
import { describe, expect, it } from "vitest";
import { historyPredictor, TaskHistory } from "../src/index.ts";
import { coldReader, makeDatabase, readByIndex, readRow } from "./reading.ts";

const made = makeDatabase(`
  CREATE TABLE word(id INTEGER PRIMARY KEY, word TEXT, meaning TEXT);
  INSERT INTO word SELECT i, printf('%05d', (i * 7919) % 10000), printf('%0100d', i) FROM n WHERE i <= 10000;
  CREATE INDEX by_word ON word(word);`);
const BY_WORD = ["by_word", "word"] as const;
const run = (name: string): ReadTask => ({ name });

/** The words from one number on: 601 entries on some 12 leaves of the index. */
const words = (from: number) => {
  const text = (value: number): string => String(value).padStart(5, "0");
  return { from: [text(from)], to: [text(from + 600)] };
};

describe("a task that is run again", () => {
  it("has the pages of the last time predicted at its first miss, where they were dropped since", async () => {
    const history = new TaskHistory();
    const first = await coldReader(made, (options) => historyPredictor({ ...options, history }));
    await readByIndex(first.source, made, BY_WORD, { ...words(100), limit: 80, task: run("words") });
    const single = (await first.cost()).requests;
    expect(single).toBeGreaterThan(60);
    // Whatever is run next under another name ends the run.
    await readRow(first.source, made, "word", 1, { task: run("other") });
    await readRow(first.source, made, "word", 9000, { task: run("words") });

    const second = await coldReader(made, (options) => historyPredictor({ ...options, history }));
    await readByIndex(second.source, made, BY_WORD, { ...words(100), limit: 80, task: run("words") });
    const { requests, unread } = await second.cost();
    expect(requests).toBeLessThanOrEqual(2);
    expect(unread).toBe(0);
  });

  it("has as many leaves predicted as it read the last time, at another place", async () => {
    const history = new TaskHistory();
    const make = (options: { usableSize: number }) => historyPredictor({ ...options, history });
    const { source, cost } = await coldReader(made, make);
    const scan = async (from: number): Promise<number> => {
      const before = (await cost()).requests;
      const task = run("scan");
      await readLeaves(source, from, task);
      return (await cost()).requests - before;
    };
    const alone = await scan(1000);
    expect(alone).toBeGreaterThan(8);
    expect(await scan(4000)).toBeLessThanOrEqual(alone / 2);
    expect((await cost()).unread).toBeLessThanOrEqual(3);
  });

  /** Goes through the index alone. */
  async function readLeaves(source: PageSource, from: number, task: ReadTask): Promise<void> {
    const { from: first, to: last } = words(from);
    const walk = new IndexWalk(made.format, made.root("by_word"), made.key("by_word"), {
      from: { key: first },
      to: { key: last },
    });
    await forEachEntry(walk, source, () => {}, { task });
  }
});

describe("historyPredictor", () => {
  it("predicts nothing for a task it does not know, and nothing without a task", async () => {
    const { source, cost } = await coldReader(made, historyPredictor);
    await readByIndex(source, made, BY_WORD, { ...words(100), limit: 5, task: run("a") });
    await readByIndex(source, made, BY_WORD, { ...words(3000), limit: 5, task: run("b") });
    await readByIndex(source, made, BY_WORD, { ...words(6000), limit: 5 });
    expect(await cost()).toMatchObject({ used: 0, unread: 0 });
  });

  it("remembers a bounded number of tasks, those run last", () => {
    const history = new TaskHistory();
    for (let task = 0; task < 100; task++) history.keep(`task ${task}`, { pages: [], extents: new Map() });
    expect(history.recall("task 0")).toBeUndefined();
    expect(history.recall("task 99")).toBeDefined();
    history.clear();
    expect(history.recall("task 99")).toBeUndefined();
  });
});
