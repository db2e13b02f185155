import { pageNo } from "@lacuna/page";
import { laterTurn } from "@lacuna/testkit";
import { describe, expect, it } from "vitest";
import { coldSource, lookUp, makeTable, scan, take } from "./tables.ts";

const table = makeTable(12_000, 1000, 4096);
const deep = makeTable(20_000, 120, 512);

/** Numbers from 0 to 1, the same on every run. */
function noise(): () => number {
  let state = 42;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) / 2 ** 24;
  };
}

describe("the tables of these tests", () => {
  it("have 3,000 leaves under two levels, and more than 6,000 under at least three", () => {
    expect(table.leaves.length).toBe(3000);
    expect(table.treePages).toBeGreaterThan(3005);
    expect(deep.leaves.length).toBeGreaterThan(6000);
    expect(deep.treePages - deep.leaves.length).toBeGreaterThan(60);
  });
});

describe.each([
  ["forwards", false],
  ["backwards", true],
])("a full scan %s", (_, backwards) => {
  it("over 3,000 leaves takes at most 18 requests and wastes at most 2 %", async () => {
    const { source, transport } = await coldSource(table);
    const leaves = await take(scan(source, table.root, backwards));
    expect(leaves).toEqual(backwards ? table.leaves.toReversed() : table.leaves);
    await laterTurn();
    expect(transport.requests.length).toBeLessThanOrEqual(18);
    expect(transport.asked.flat().length).toBeLessThanOrEqual(table.treePages * 1.02);
  });

  it("of a deep tree takes few requests and wastes at most 2 %", async () => {
    const { source, transport } = await coldSource(deep);
    expect(await take(scan(source, deep.root, backwards))).toHaveLength(deep.leaves.length);
    await laterTurn();
    expect(transport.requests.length).toBeLessThanOrEqual(30);
    expect(transport.asked.flat().length).toBeLessThanOrEqual(deep.treePages * 1.02);
  });
});

describe("the demanded page", () => {
  it("shares its request with what is predicted because of it, and comes first", async () => {
    const { source, transport } = await coldSource(table);
    const reader = scan(source, table.root);
    await take(reader, 2);
    const [, second, third] = table.leaves;
    expect(transport.asked.at(-1)).toEqual([second, third]);
    expect(transport.requests.at(-1)?.urgency).toBe("demand");
  });
});

describe("a reader that stops", () => {
  it("after the first leaf has nothing predicted", async () => {
    const { source, transport } = await coldSource(table);
    await take(scan(source, table.root), 1);
    await laterTurn();
    // The root and one interior page lead to the leaf.
    expect(transport.asked.flat()).toHaveLength(3);
  });

  it.each([2, 3, 5, 10, 40, 200])("after %i leaves wastes at most one window", async (read) => {
    const { source, transport } = await coldSource(table);
    const taken = await take(scan(source, table.root), read);
    await laterTurn();
    const unused = transport.asked.flat().length - taken.length - 2;
    // The window is at most twice what was read, and an interior page may lead on.
    expect(unused).toBeLessThanOrEqual(2 * read + 1);
  });
});

describe("look-ups of single keys", () => {
  it("have almost nothing predicted", async () => {
    const { source, transport } = await coldSource(table);
    const next = noise();
    const read = new Set<number>();
    for (let count = 0; count < 300; count++) read.add(await lookUp(source, table.root, next()));
    await laterTurn();
    const interiors = table.treePages - table.leaves.length;
    expect(transport.asked.flat().length - read.size).toBeLessThanOrEqual(interiors + 15);
  });

  it("in a resident database ask for nothing", async () => {
    const { source, transport } = await coldSource(table);
    await take(scan(source, table.root));
    await laterTurn();
    const before = transport.requests.length;
    const next = noise();
    for (let count = 0; count < 300; count++) await lookUp(source, table.root, next());
    await laterTurn();
    expect(transport.requests.length).toBe(before);
  });
});

describe("scans that take turns", () => {
  it("are followed each, in one tree and in two directions", async () => {
    const { source, transport } = await coldSource(table);
    const forwards = scan(source, table.root);
    const backwards = scan(source, table.root, true);
    const half = table.leaves.length / 2;
    for (let leaf = 0; leaf < half; leaf++) {
      await forwards.next();
      await backwards.next();
    }
    await laterTurn();
    expect(transport.requests.length).toBeLessThanOrEqual(32);
  });

  it("are followed also when single keys are looked up in between", async () => {
    const { source, transport } = await coldSource(table);
    await take(scan(source, table.root), 1);
    const reader = scan(source, table.root);
    const next = noise();
    let lookUps = 0;
    for (let leaf = 0; leaf < 500; leaf++) {
      await reader.next();
      for (let count = 0; count < 3; count++) {
        const before = transport.requests.length;
        await lookUp(source, table.root, 0.5 + next() / 2);
        lookUps += transport.requests.length - before;
      }
    }
    await laterTurn();
    expect(transport.requests.length - lookUps).toBeLessThanOrEqual(20);
  });
});

describe("the hint scan", () => {
  it("is evidence with the first leaf", async () => {
    const { source, transport } = await coldSource(table);
    await take(scan(source, table.root), 1);
    const [, , third, fourth] = table.leaves;
    await source.read(third ?? pageNo(1), { hint: "scan" });
    expect(transport.asked.at(-1)).toEqual([third, fourth]);
  });
});
