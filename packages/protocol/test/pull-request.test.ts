import { pageIndex } from "@lacuna/page";
import { describe, expect, it } from "vitest";
import { decodePullRequest, encodePullRequest, type PullRequest } from "../src/index.ts";
import { hex, toHex } from "./hex.ts";

const plain: PullRequest = {
  encoding: "raw",
  serverRevision: "",
  clientRevision: "",
  longPollMs: 0,
  pages: undefined,
  clientPages: new Uint8Array(0),
  query: "",
  streamKind: "pages",
  firstPages: [],
};
const pages = (first: number, last: number) => [{ first: pageIndex(first), last: pageIndex(last) }];

const captured: readonly (readonly [string, Partial<PullRequest>, string])[] = [
  ["everything", {}, ""],
  ["a prefix of 128 KiB", { pages: pages(0, 31) }, "2a 0f 3b3000000100001f00010000001f00"],
  ["no page at all", { pages: [] }, "2a 08 3a30000000000000"],
  [
    "what a query touches",
    { query: "SELECT * FROM partial LIMIT 1" },
    "3a 1d 53454c454354202a2046524f4d207061727469616c204c494d49542031",
  ],
  ["what changed since a revision", { clientRevision: "r1" }, "1a 02 7231"],
  ["a long poll", { clientRevision: "r2", longPollMs: 1500 }, "1a 02 7232 20 dc0b"],
  [
    "one page of a pinned revision",
    { serverRevision: "r2", pages: pages(519, 519) },
    "12 02 7232 2a 12 3a3000000100000000000000100000000702",
  ],
  [
    "a later piece of a pinned revision",
    { serverRevision: "r2", pages: pages(10, 19) },
    "12 02 7232 2a 0f 3b300000010000090001000a000900",
  ],
];

describe("a pull request", () => {
  it.each(captured)("for %s has the bytes that existing clients send", (_, request, digits) => {
    expect(toHex(encodePullRequest(request))).toBe(digits.replaceAll(" ", ""));
    expect(decodePullRequest(hex(digits))).toEqual({ ...plain, ...request });
  });

  it("is read when its pages come as a plain array, as lazy clients send them", () => {
    const body = hex("12 02 7232 2a 18 3a3000000100000000000300100000000402050206020702");
    expect(decodePullRequest(body)).toEqual({ ...plain, serverRevision: "r2", pages: pages(516, 519) });
  });

  it("survives a round trip with every field set", () => {
    const request: PullRequest = {
      encoding: "zstd",
      serverRevision: "größe-1",
      clientRevision: '{"generation":3}',
      longPollMs: 4_294_967_295,
      pages: pages(7, 100_000),
      clientPages: Uint8Array.of(1, 2, 3),
      query: "SELECT 1",
      streamKind: "mvcc-log",
      firstPages: [pageIndex(99_999), pageIndex(0), pageIndex(7)],
    };
    expect(decodePullRequest(encodePullRequest(request))).toEqual(request);
  });

  it("names the pages to send first in a field that others pass over", () => {
    const firstPages = [pageIndex(300), pageIndex(0)];
    expect(toHex(encodePullRequest({ firstPages }))).toBe("c23e03ac0200");
    expect(toHex(encodePullRequest({ firstPages: [] }))).toBe("");
  });

  it("takes an empty selector field for all pages", () => {
    expect(decodePullRequest(hex("2a 00")).pages).toBeUndefined();
  });

  it("passes over fields it does not know, of every wire type", () => {
    const body = hex("50 ffffffffffffffffff01 59 0102030405060708 62 03 010203 6d 01020304 1a 02 7231");
    expect(decodePullRequest(body)).toEqual({ ...plain, clientRevision: "r1" });
  });

  it("lets the last one of a repeated field count", () => {
    expect(decodePullRequest(hex("1a 02 7231 1a 02 7232")).clientRevision).toBe("r2");
  });

  it.each([
    ["a length beyond the end", "1a 05 7231"],
    ["a varint beyond the end", "20 80"],
    ["a varint of eleven bytes", "20 8080808080808080808000"],
    ["a group", "0b 0c"],
    ["field number 0", "00 00"],
    ["text that is not UTF-8", "1a 02 c328"],
    ["a number where text belongs", "18 01"],
    ["text where a number belongs", "22 01 31"],
    ["an unknown encoding", "08 02"],
    ["an unknown kind of stream", "40 02"],
    ["a long poll beyond 32 bits", "20 8080808010"],
    ["a broken selector", "2a 04 3a300000"],
  ])("is refused with %s", (_, digits) => {
    expect(() => decodePullRequest(hex(digits))).toThrow(
      expect.objectContaining({ name: "LacunaError", code: "PROTOCOL" }),
    );
  });

  it.each([-1, 1.5, 4_294_967_296, Number.NaN])(
    "refuses to be written with a long poll of %s ms",
    (longPollMs) => {
      expect(() => encodePullRequest({ longPollMs })).toThrow(RangeError);
    },
  );
});
