import { type PageNo, type Predictor, pageNo } from "@lacuna/page";
import { describe, expect, it } from "vitest";
import { childrenPredictor, scanPredictor } from "../src/index.ts";
import { InteriorPage, InteriorPages } from "../src/interior-pages.ts";
import { makeTable } from "./tables.ts";

const table = makeTable(20_000, 120, 512);

/** An interior page of a table with these children, made by hand: SQLite never makes a damaged tree. */
function interior(children: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(512);
  const view = new DataView(bytes.buffer);
  const cells = children.length - 1;
  bytes[0] = 5;
  view.setUint16(3, cells);
  for (const [index, child] of children.slice(0, -1).entries()) {
    const at = 512 - 5 * (index + 1);
    view.setUint16(12 + 2 * index, at);
    view.setUint32(at, child);
    bytes[at + 4] = index + 1;
  }
  view.setUint32(8, children.at(-1) as number);
  return bytes;
}

describe("InteriorPages", () => {
  it("walks from one interior page to the next over all of a level, both ways", () => {
    const pages = new InteriorPages(512, 100_000);
    const lowest: InteriorPage[] = [];
    for (const page of table.interiors) {
      const learned = pages.learn(page, table.database.page(page));
      if (learned !== undefined && table.leaves.includes(learned.children[0] as PageNo)) lowest.push(learned);
    }
    const walk = (from: InteriorPage | undefined, step: 1 | -1): InteriorPage[] => {
      const met: InteriorPage[] = [];
      for (let at = from; at instanceof InteriorPage; ) {
        met.push(at);
        const next = pages.neighbour(at, step);
        at = next instanceof InteriorPage ? next : undefined;
      }
      return met;
    };
    expect(lowest.length).toBeGreaterThan(100);
    expect(walk(lowest[0], 1)).toEqual(lowest);
    expect(walk(lowest.at(-1), -1)).toEqual(lowest.toReversed());
  });

  it("names the page that has to be learned before it can go on", () => {
    const pages = new InteriorPages(512, 1000);
    const left = pages.learn(pageNo(10), interior([20, 21])) as InteriorPage;
    expect(pages.neighbour(left, 1)).toBeUndefined();
    pages.learn(pageNo(5), interior([10, 11]));
    expect(pages.neighbour(left, 1)).toBe(11);
    expect(pages.neighbour(left, -1)).toBeUndefined();
    const right = pages.learn(pageNo(11), interior([22, 23]));
    expect(pages.neighbour(left, 1)).toBe(right);
  });

  it("remembers a bounded number of children, of the pages used lately", () => {
    const pages = new InteriorPages(512, 500);
    const kept = pages.learn(table.root, table.database.page(table.root));
    for (const page of table.interiors) {
      if (kept !== undefined) kept.touched = true;
      pages.learn(page, table.database.page(page));
      expect(pages.size).toBeLessThanOrEqual(500);
    }
    expect(pages.get(table.root)).toBe(kept);
    expect(pages.get(table.interiors.at(-1) as PageNo)).toBeDefined();
    expect(pages.get(table.interiors[1] as PageNo)).toBeUndefined();
  });

  it("learns nothing from a page that is not interior", () => {
    const pages = new InteriorPages(512, 1000);
    const leaf = table.leaves[0] as PageNo;
    expect(pages.learn(leaf, table.database.page(leaf))).toBeUndefined();
    expect(pages.learn(pageNo(9), new Uint8Array(512))).toBeUndefined();
    expect(pages.size).toBe(0);
  });
});

describe("a damaged tree", () => {
  it("that points in circles ends the prediction", () => {
    const circle = new Map([
      [2, interior([3, 4])],
      [3, interior([2, 4])],
      [4, interior([3, 2])],
    ]);
    const predictor = scanPredictor({ usableSize: 512, peek: (page) => circle.get(page) });
    for (let round = 0; round < 50; round++) {
      for (const page of [2, 3, 4, 3, 2]) {
        predictor.observe({ page: pageNo(page), bytes: undefined, miss: true, hint: "scan" });
        predictor.observe({ page: pageNo(page), bytes: circle.get(page), miss: true });
        expect(predictor.predict(100).length).toBeLessThanOrEqual(100);
      }
    }
  });
});

describe("a small interior page", () => {
  const bytes = interior([20, 21, 22]);
  const event = { page: pageNo(10), bytes, miss: true };

  it("has all its children predicted when it is read, once", () => {
    const predictor = childrenPredictor({ usableSize: 512 });
    predictor.observe(event);
    expect(predictor.predict(2)).toEqual([20, 21]);
    expect(predictor.predict(2)).toEqual([22]);
    predictor.observe(event);
    expect(predictor.predict(2)).toEqual([]);
  });

  it("has none predicted when it has more than the option says", () => {
    const predictor = childrenPredictor({ usableSize: 512, wholeUpTo: 2 });
    predictor.observe(event);
    expect(predictor.predict(10)).toEqual([]);
  });

  it.each([[{ usableSize: 100 }], [{ usableSize: 512, wholeUpTo: 0 }]])("has options: not %j", (options) => {
    expect(() => childrenPredictor(options)).toThrow(expect.objectContaining({ code: "INVALID_OPTION" }));
  });
});

describe("scanPredictor", () => {
  const small = { usableSize: 512 };
  const see = (predictor: Predictor, page: number, bytes?: Uint8Array): readonly PageNo[] => {
    predictor.observe({ page: pageNo(page), bytes, miss: true });
    return predictor.predict(100);
  };

  it.each([
    ["forwards", [22, 30], [31]],
    ["backwards", [30, 22], [21]],
  ])("takes a step %s from one interior page to the next for evidence", (_, [first, second], predicted) => {
    const predictor = scanPredictor(small);
    see(predictor, 5, interior([10, 11]));
    see(predictor, 10, interior([20, 21, 22]));
    see(predictor, 11, interior([30, 31, 32]));
    expect(see(predictor, first as number)).toEqual([]);
    expect(see(predictor, second as number)).toEqual(predicted);
  });

  it("names an interior page that leads on once, and goes on when it is here", () => {
    const here = new Map<number, Uint8Array>();
    const predictor = scanPredictor({ ...small, peek: (page) => here.get(page) });
    see(predictor, 5, interior([10, 11]));
    see(predictor, 10, interior([20, 21, 22]));
    see(predictor, 20);
    expect(see(predictor, 21)).toEqual([11, 22]);
    expect(see(predictor, 22)).toEqual([]);
    here.set(11, interior([30, 31, 32]));
    expect(predictor.predict(100)).toEqual([30, 31]);
  });

  it.each([
    [{ usableSize: 100 }],
    [{ usableSize: 512, maxWindow: 0 }],
    [{ usableSize: 512, maxScans: 0 }],
    [{ usableSize: 512, maxChildren: 0.5 }],
  ])("refuses %j", (options) => {
    expect(() => scanPredictor(options)).toThrow(expect.objectContaining({ code: "INVALID_OPTION" }));
  });

  it("opens its window from one leaf, doubling, up to the option", () => {
    const children = Array.from({ length: 60 }, (_, index) => 100 + index);
    const predictor = scanPredictor({ usableSize: 1024, maxWindow: 8 });
    const wide = new Uint8Array(1024);
    wide.set(interior(children.slice(0, 60)).subarray(0, 12));
    const view = new DataView(wide.buffer);
    for (let index = 0; index < 59; index++) {
      const at = 1024 - 5 * (index + 1);
      view.setUint16(12 + 2 * index, at);
      view.setUint32(at, 100 + index);
      wide[at + 4] = index + 1;
    }
    view.setUint32(8, 159);
    predictor.observe({ page: pageNo(10), bytes: wide, miss: true });
    const named: number[] = [];
    for (const child of children.slice(0, 40)) {
      predictor.observe({ page: pageNo(child), bytes: undefined, miss: true });
      named.push(predictor.predict(100).length);
    }
    expect(named.slice(0, 12)).toEqual([0, 1, 2, 0, 4, 0, 0, 7, 0, 0, 0, 0]);
    expect(Math.max(...named)).toBeLessThanOrEqual(8);
  });
});
