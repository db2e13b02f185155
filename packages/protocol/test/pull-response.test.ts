import { pageIndex } from "@lacuna/page";
import { describe, expect, it } from "vitest";
import {
  encodeHeader,
  encodePageMessage,
  framePages,
  type PullEvent,
  type PullHeader,
  PullResponseDecoder,
  type PullResponseDecoderOptions,
  pageMessagesLength,
} from "../src/index.ts";
import { hex, toHex } from "./hex.ts";

const header: PullHeader = { serverRevision: "r2", pageCount: 600, protocol: "pages" };

function page(fill: number, bytes = 4096): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes).fill(fill);
}

const join = (...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> => {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
};

function decode(
  body: Uint8Array,
  chunkBytes = body.length,
  options?: PullResponseDecoderOptions,
): PullEvent[] {
  const decoder = new PullResponseDecoder(options);
  const events: PullEvent[] = [];
  for (let at = 0; at < body.length; at += chunkBytes) {
    events.push(...decoder.push(body.slice(at, at + chunkBytes)));
  }
  decoder.end();
  return events;
}

describe("the messages of an answer", () => {
  it("says whether differences of selected pages are given, and nothing where they are not", () => {
    const header = { serverRevision: "r2", pageCount: 5, protocol: "pages" } as const;
    for (const selectsDifferences of [true, false]) {
      const decoder = new PullResponseDecoder();
      decoder.push(encodeHeader({ ...header, selectsDifferences }));
      expect(decoder.header).toEqual(selectsDifferences ? { ...header, selectsDifferences } : header);
    }
    expect(encodeHeader({ ...header, selectsDifferences: false })).toEqual(encodeHeader(header));
  });

  it("are the bytes that existing clients accept", () => {
    expect(toHex(encodeHeader({ ...header, pageCount: 5 }))).toBe("0a0a02723210051a004001");
    const heads = [0, 5, 519].map((index) =>
      toHex(encodePageMessage(pageIndex(index), page(1)).subarray(0, 8)),
    );
    expect(heads).toEqual(["8320128020010101", "8520080512802001", "8620088704128020"]);
  });

  it("announce an empty database without a page count", () => {
    expect(toHex(encodeHeader({ serverRevision: "0", pageCount: 0, protocol: "unspecified" }))).toBe(
      "050a01301a00",
    );
  });

  it("are the same written together or one by one", () => {
    const ranges = [
      { first: pageIndex(0), last: pageIndex(1) },
      { first: pageIndex(126), last: pageIndex(130) },
      { first: pageIndex(16_382), last: pageIndex(16_385) },
    ];
    const indexes = ranges.flatMap(({ first, last }) =>
      Array.from({ length: last - first + 1 }, (_, i) => pageIndex(first + i)),
    );
    const pages = indexes.map((index) => page(index & 255, 512));
    const single = indexes.map((index, i) => encodePageMessage(index, pages[i] ?? page(0)));
    const together = new Uint8Array(3 + pageMessagesLength(ranges, 512));
    together.set(join(...pages), together.length - 512 * pages.length);
    framePages(together, 3, ranges, 512);
    expect(together).toEqual(join(new Uint8Array(3), ...single));
    expect(() => framePages(together, 2, ranges, 512)).toThrow(RangeError);
  });

  it("refuse an empty revision, an impossible page count and an impossible page", () => {
    expect(() => encodeHeader({ ...header, serverRevision: "" })).toThrow(RangeError);
    expect(() => encodeHeader({ ...header, pageCount: -1 })).toThrow(RangeError);
    expect(() => encodePageMessage(pageIndex(0), page(0, 1000))).toThrow(RangeError);
  });
});

describe("a decoder of answers", () => {
  const body = join(
    encodeHeader(header),
    encodePageMessage(pageIndex(0), page(1)),
    encodePageMessage(pageIndex(519), page(2)),
    encodePageMessage(pageIndex(5), page(3)),
  );
  const events: PullEvent[] = [
    { kind: "header", header },
    { kind: "page", index: pageIndex(0), bytes: page(1) },
    { kind: "page", index: pageIndex(519), bytes: page(2) },
    { kind: "page", index: pageIndex(5), bytes: page(3) },
  ];

  it.each([1, 2, 7, 4096, 4100, 9000, 1_000_000])(
    "gives the same messages from chunks of %i bytes",
    (bytes) => {
      expect(decode(body, bytes)).toEqual(events);
    },
  );

  it("gives each message with the chunk that completes it", () => {
    const decoder = new PullResponseDecoder();
    expect(decoder.header).toBeUndefined();
    expect(decoder.push(body.slice(0, 12)).map((event) => event.kind)).toEqual(["header"]);
    expect(decoder.header).toEqual(header);
    expect(decoder.push(body.slice(12, 4000))).toEqual([]);
    expect(decoder.push(body.slice(4000))).toHaveLength(3);
    decoder.end();
  });

  it("does not copy a page that lies in one chunk", () => {
    const [, first] = new PullResponseDecoder().push(body);
    expect(first?.kind === "page" && first.bytes.buffer).toBe(body.buffer);
  });

  it("copies a page that lies in two chunks once, into bytes of its own", () => {
    const decoder = new PullResponseDecoder();
    decoder.push(body.slice(0, 100));
    const [first] = decoder.push(body.slice(100));
    expect(first).toEqual(events[1]);
    expect(first?.kind === "page" && first.bytes.buffer.byteLength).toBe(4099);
  });

  it.each([512, 65536])("takes pages of %i bytes", (bytes) => {
    const answer = join(encodeHeader(header), encodePageMessage(pageIndex(599), page(9, bytes)));
    expect(decode(answer, 1000, { pageSize: bytes })[1]).toEqual({
      kind: "page",
      index: pageIndex(599),
      bytes: page(9, bytes),
    });
  });

  it("takes a header alone, also one that announces no encoding", () => {
    expect(decode(hex("04 0a 02 7231"))).toEqual([
      { kind: "header", header: { serverRevision: "r1", pageCount: 0, protocol: "unspecified" } },
    ]);
  });

  it("reports that the server prefers a logical log, which does not touch the pages", () => {
    expect(decode(encodeHeader({ ...header, protocol: "mvcc-log" }))).toMatchObject([
      { header: { protocol: "mvcc-log" } },
    ]);
  });

  it("refuses an answer that ends inside a message", () => {
    for (const bytes of [1, 5, 11, 13, 14, 5000, body.length - 1]) {
      expect(() => decode(body.slice(0, bytes)), `${bytes} bytes`).toThrow(
        expect.objectContaining({ code: "SHORT_READ" }),
      );
    }
  });

  it("refuses an empty answer", () => {
    expect(() => decode(new Uint8Array(0))).toThrow(expect.objectContaining({ code: "PROTOCOL" }));
  });

  it.each([
    ["a header without revision", "no server revision", "PROTOCOL", "02 10 05"],
    ["a header of no bytes", "", "PROTOCOL", "00"],
    ["both encodings", "", "PROTOCOL", "08 0a 02 7231 1a 00 22 00"],
    ["compressed pages", "zstd", "NOT_SUPPORTED", "06 0a 02 7231 22 00"],
    ["a logical log", "logical log", "NOT_SUPPORTED", "06 0a 02 7231 28 01"],
    ["pages that replace the base", "replace the base", "NOT_SUPPORTED", "06 0a 02 7231 30 01"],
    ["a page count no database has", "", "PROTOCOL", "0a 0a 02 7231 10 ffffffff0f"],
    ["an unknown kind of stream", "", "PROTOCOL", "06 0a 02 7231 28 02"],
    ["a header that claims 2 GiB", "65536", "PROTOCOL", "80808008"],
    ["a length of ten bytes", "", "PROTOCOL", "80808080808080808001"],
    ["a page after a header without encoding", "no encoding", "PROTOCOL", "06 0a 02 7231 10 05 02 12 00"],
    ["a page of no bytes", "512 to 65536", "PROTOCOL", "08 0a 02 7231 10 05 1a 00 02 12 00"],
    ["a page message without page", "has no page", "PROTOCOL", "08 0a 02 7231 10 05 1a 00 02 08 01"],
    ["a page message that claims 1 MiB", "65600", "PROTOCOL", "08 0a 02 7231 10 05 1a 00 808040"],
    [
      "a text instead of an answer",
      "",
      "PROTOCOL",
      toHex(new TextEncoder().encode(`<html>${"not found ".repeat(8)}</html>`)),
    ],
  ])("refuses %s", (_, words, code, digits) => {
    expect(() => decode(hex(digits))).toThrow(expect.objectContaining({ name: "LacunaError", code }));
    expect(() => decode(hex(digits))).toThrow(words);
  });

  it("refuses a page outside the database", () => {
    const answer = join(encodeHeader(header), encodePageMessage(pageIndex(600), page(1)));
    expect(() => decode(answer)).toThrow(expect.objectContaining({ code: "PROTOCOL", page: 601 }));
  });

  it("refuses a page of another size than the first, or than it was told", () => {
    const answer = join(
      encodeHeader(header),
      encodePageMessage(pageIndex(1), page(1, 4096)),
      encodePageMessage(pageIndex(2), page(1, 512)),
    );
    expect(() => decode(answer)).toThrow("4096 bytes expected, found 512");
    expect(() => decode(answer, 100_000, { pageSize: 1024 })).toThrow("1024 bytes expected, found 4096");
  });

  it("hands over the pages before a bad message, then throws, and goes on throwing", () => {
    const decoder = new PullResponseDecoder();
    expect(decoder.push(join(body, hex("00")))).toHaveLength(4);
    expect(() => decoder.push(new Uint8Array(0))).toThrow("has no page");
    expect(() => decoder.end()).toThrow("has no page");
  });
});
