import { pageNo } from "@lacuna/page";
import { describe, expect, it } from "vitest";
import { PageMemory } from "../src/page-memory.ts";

const bytes = new Uint8Array(1);
const loose = { pinned: false, unread: false, shared: false };
const pinned = { pinned: true, unread: false, shared: false };

function held(memory: PageMemory): number[] {
  return Array.from({ length: 20 }, (_, page) => page).filter(
    (page) => page > 0 && memory.find(pageNo(page)) !== undefined,
  );
}

describe("PageMemory", () => {
  it("drops pages that were not read since the hand passed before those that were", () => {
    const memory = new PageMemory(3);
    for (const page of [1, 2, 3]) memory.insert(pageNo(page), bytes, loose);
    const frame = memory.find(pageNo(1));
    if (frame !== undefined) frame.touched = true;
    memory.insert(pageNo(4), bytes, loose);
    expect(held(memory)).toEqual([1, 3, 4]);
    memory.insert(pageNo(5), bytes, loose);
    expect(held(memory)).toEqual([1, 4, 5]);
  });

  it("drops pages that were read once before those that came ahead of a reader", () => {
    const memory = new PageMemory(3);
    memory.insert(pageNo(1), bytes, { ...loose, unread: true });
    memory.insert(pageNo(2), bytes, loose);
    memory.insert(pageNo(3), bytes, loose);
    memory.insert(pageNo(4), bytes, loose);
    expect(held(memory)).toEqual([1, 3, 4]);
  });

  it("keeps the first bytes it was given for a page", () => {
    const memory = new PageMemory(3);
    memory.insert(pageNo(1), bytes, loose);
    memory.insert(pageNo(1), new Uint8Array(2), loose);
    expect(memory.find(pageNo(1))?.bytes).toBe(bytes);
    expect(memory.size).toBe(1);
  });

  it("never drops a pinned page, exceeds the budget for them alone, and returns to it", () => {
    const memory = new PageMemory(2);
    for (const page of [1, 2, 3, 4]) memory.insert(pageNo(page), bytes, pinned);
    expect(held(memory)).toEqual([1, 2, 3, 4]);
    memory.unpin(pageNo(3));
    memory.unpin(pageNo(1));
    expect(memory.size).toBe(2);
    expect(held(memory)).toEqual([2, 4]);
    memory.insert(pageNo(5), bytes, loose);
    expect(held(memory)).toEqual([2, 4, 5]);
    memory.unpin(pageNo(2));
    memory.unpin(pageNo(4));
    expect(memory.size).toBe(2);
  });

  it("keeps nothing but pinned pages without a budget", () => {
    const memory = new PageMemory(0);
    memory.insert(pageNo(1), bytes, loose);
    memory.insert(pageNo(2), bytes, pinned);
    expect(held(memory)).toEqual([2]);
    memory.unpin(pageNo(2));
    expect(held(memory)).toEqual([]);
  });

  it("survives any order of insertions, reads and unpinnings", () => {
    let noise = 7;
    const next = (limit: number) => {
      noise = (Math.imul(noise, 1_103_515_245) + 12_345) >>> 0;
      return (noise >>> 8) % limit;
    };
    const memory = new PageMemory(8);
    const pins = new Set<number>();
    for (let step = 0; step < 4000; step++) {
      const page = next(19) + 1;
      const frame = memory.find(pageNo(page));
      const kind = next(4);
      if (kind === 0 && frame !== undefined) frame.touched = true;
      else if (kind === 1 && frame === undefined && pins.size < 12) {
        memory.insert(pageNo(page), bytes, pinned);
        pins.add(page);
      } else if (kind === 2) memory.insert(pageNo(page), bytes, loose);
      else {
        memory.unpin(pageNo(page));
        pins.delete(page);
      }
      const now = held(memory);
      expect(now.length).toBe(memory.size);
      for (const pin of pins) expect(now).toContain(pin);
      // A loose page may stay beside pins that fill the budget only until the next page is unpinned.
      expect(memory.size).toBeLessThanOrEqual(Math.max(8, pins.size + 8));
    }
    for (const pin of pins) memory.unpin(pageNo(pin));
    expect(memory.size).toBeLessThanOrEqual(8);
  });
});
