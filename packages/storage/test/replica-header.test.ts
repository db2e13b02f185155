import { revision } from "@lacuna/page";
import { describe, expect, it } from "vitest";
import {
  decodeHeader,
  encodeHeader,
  HEADER_BYTES,
  type ReplicaHeader,
  slotOffset,
} from "../src/files/replica-header.ts";
import { xxhash32 } from "../src/files/xxhash32.ts";

const header = (sequence: number, facts: Partial<ReplicaHeader> = {}): ReplicaHeader => ({
  sequence,
  epoch: 0xfedcba98,
  shape: { revision: revision("ä-1"), pageSize: 65_536, pageCount: 4_294_967_294 },
  meta: { remote: "https://example.com/ü.db", __proto__x: "", "": "empty" },
  ...facts,
});

/** A file start with these headers in their slots. */
function fileWith(...headers: ReplicaHeader[]): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES);
  for (const each of headers) bytes.set(encodeHeader(each), slotOffset(each.sequence));
  return bytes;
}

/** Changes a field of the header and makes its checksum right again. */
function edited(change: (view: DataView) => void): Uint8Array {
  const slot = encodeHeader(header(2));
  const view = new DataView(slot.buffer);
  change(view);
  view.setUint32(12, xxhash32(slot.subarray(16)), true);
  const bytes = new Uint8Array(HEADER_BYTES);
  bytes.set(slot, slotOffset(2));
  return bytes;
}

const decodingOf = (bytes: Uint8Array) => () => decodeHeader(bytes, "x-info");
const corrupt = (text: string) =>
  expect.objectContaining({
    code: "REPLICA_CORRUPT",
    path: "x-info",
    message: expect.stringContaining(text),
  });

describe("the header of a replica", () => {
  it("is read as it was written", () => {
    for (const written of [header(1), header(2, { shape: undefined, meta: {} }), header(2 ** 40)]) {
      expect(decodeHeader(fileWith(written), "x-info")).toEqual(written);
    }
  });

  it("is the one written last", () => {
    expect(decodeHeader(fileWith(header(4), header(5)), "x-info").sequence).toBe(5);
    expect(decodeHeader(fileWith(header(6), header(5)), "x-info").sequence).toBe(6);
  });

  it("is the one before if the last is not whole, wherever it was cut off", () => {
    const last = encodeHeader(header(5, { meta: { a: "b" } }));
    for (let kept = 0; kept < last.byteLength; kept++) {
      const bytes = fileWith(header(4), header(3));
      bytes.set(last.subarray(0, kept), slotOffset(5));
      expect(decodeHeader(bytes, "x-info").sequence).toBe(4);
    }
  });

  it("is refused with any single byte changed", () => {
    const whole = fileWith(header(2));
    for (let at = 0; at < encodeHeader(header(2)).byteLength; at++) {
      const bytes = whole.slice();
      bytes[at] = (bytes[at] ?? 0) ^ 0x20;
      expect(decodingOf(bytes)).toThrow(expect.objectContaining({ code: "REPLICA_CORRUPT" }));
    }
  });

  it("is refused with impossible contents under a right checksum", () => {
    expect(decodingOf(edited((view) => view.setUint32(32, 1000, true)))).toThrow(
      corrupt("impossible contents"),
    );
    expect(decodingOf(edited((view) => view.setUint32(36, 4_294_967_295, true)))).toThrow(
      corrupt("impossible"),
    );
    expect(decodingOf(edited((view) => view.setUint32(32, 0, true)))).toThrow(corrupt("half a shape"));
    expect(decodingOf(edited((view) => view.setUint8(40, 0x20)))).toThrow(corrupt("impossible contents"));
  });

  it("says so if a newer format is found, beside an older one too", () => {
    expect(decodingOf(edited((view) => view.setUint32(8, 2, true)))).toThrow(corrupt("newer version"));
    const bytes = edited((view) => view.setUint32(8, 7, true));
    bytes.set(encodeHeader(header(9)), slotOffset(9));
    expect(decodingOf(bytes)).toThrow(corrupt("format version 1, found 7"));
  });

  it("is refused if it does not fit", () => {
    expect(() => encodeHeader(header(1, { meta: { big: "x".repeat(16_384) } }))).toThrow(RangeError);
    const most = header(1, { shape: undefined, meta: { big: "x".repeat(16_384 - 40 - 19) } });
    expect(decodeHeader(fileWith(most), "x-info")).toEqual(most);
  });
});
