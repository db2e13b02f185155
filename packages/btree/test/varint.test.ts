import { describe, expect, it } from "vitest";
import { readVarint } from "../src/index.ts";
import { decodeVarint, readInt64 } from "../src/varint.ts";
import { writeVarint } from "../src/write/index.ts";
import { varintLength, writeInt64 } from "../src/write/varint.ts";

const edges = [0n, 1n, 2n ** 64n - 1n, 2n ** 63n, 2n ** 63n - 1n];
for (let bits = 7n; bits < 64n; bits += 7n) edges.push(2n ** bits - 1n, 2n ** bits, 2n ** bits + 1n);
edges.push(2n ** 53n - 1n, 2n ** 53n, 2n ** 56n - 1n, 2n ** 56n);

const exact = (value: bigint): number | bigint =>
  value <= BigInt(Number.MAX_SAFE_INTEGER) && value >= -BigInt(Number.MAX_SAFE_INTEGER)
    ? Number(value)
    : value;

describe("a varint", () => {
  it.each(edges)("holds %i exactly", (value) => {
    const bytes = new Uint8Array(12).fill(0xff);
    const end = writeVarint(bytes, 2, value);
    expect(end - 2).toBe(varintLength(value));
    const cursor = { bytes, offset: 2 };
    expect(readVarint(cursor)).toBe(exact(value));
    expect(cursor.offset).toBe(end);
    expect(decodeVarint(bytes, 2)).toBe(exact(BigInt.asIntN(64, value)));
  });

  it("has the lengths of the file format", () => {
    expect([0, 127, 128, 16383, 16384, 2 ** 49].map(varintLength)).toEqual([1, 1, 2, 2, 3, 8]);
    expect([2n ** 56n - 1n, 2n ** 56n, -1n].map(varintLength)).toEqual([8, 9, 9]);
  });

  it("must end inside the bytes", () => {
    expect(() => readVarint({ bytes: Uint8Array.of(0x81), offset: 0 })).toThrow(RangeError);
    expect(() => readVarint({ bytes: new Uint8Array(8).fill(0x80), offset: 0 })).toThrow(RangeError);
  });
});

describe("a 64-bit integer", () => {
  it.each([0n, -1n, 2n ** 53n, -(2n ** 53n), 2n ** 53n - 1n, 1n - 2n ** 53n, 2n ** 63n - 1n, -(2n ** 63n)])(
    "is read as it was written: %i",
    (value) => {
      const bytes = new Uint8Array(8);
      writeInt64(bytes, 0, value);
      expect(readInt64(bytes, 0)).toBe(exact(value));
    },
  );
});
