import { describe, expect, it } from "vitest";
import { xxhash32 } from "../src/files/xxhash32.ts";

const PRIME = 0x9e3779b1;

/** The input of the reference implementation's own self test. */
function sanityBytes(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = PRIME;
  for (let i = 0; i < length; i++) {
    bytes[i] = state >>> 24;
    state = Math.imul(state, state);
  }
  return bytes;
}

describe("xxhash32", () => {
  it("gives the digests of the reference implementation", () => {
    const digests = [0, 1, 14, 101].map((length) => {
      const bytes = sanityBytes(length);
      return [xxhash32(bytes), xxhash32(bytes, PRIME)];
    });
    expect(digests).toEqual([
      [0x02cc5d05, 0x36b78ae7],
      [0xb85cbee5, 0xd5845d64],
      [0xe5aa0ab4, 0x4481951d],
      [0x1f1aa412, 0x498ec8e2],
    ]);
    expect(xxhash32(new TextEncoder().encode("abc"))).toBe(0x32d153ff);
  });

  it("does not care where in a buffer the bytes lie", () => {
    const bytes = sanityBytes(101);
    for (let offset = 0; offset < 8; offset++) {
      const buffer = new Uint8Array(120);
      buffer.set(bytes, offset);
      expect(xxhash32(buffer.subarray(offset, offset + 101))).toBe(0x1f1aa412);
    }
  });

  it("takes the seed modulo 2^32", () => {
    const bytes = sanityBytes(101);
    expect(xxhash32(bytes, PRIME + 2 ** 32)).toBe(xxhash32(bytes, PRIME));
    expect(xxhash32(bytes, PRIME - 2 ** 32)).toBe(xxhash32(bytes, PRIME));
  });

  it("changes with every single bit of a page", () => {
    const page = sanityBytes(512);
    const digests = new Set([xxhash32(page)]);
    for (let bit = 0; bit < 512 * 8; bit++) {
      const flipped = page.slice();
      flipped[bit >>> 3] = (flipped[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
      digests.add(xxhash32(flipped));
    }
    expect(digests.size).toBe(512 * 8 + 1);
  });
});
