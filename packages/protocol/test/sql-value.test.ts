import { describe, expect, it } from "vitest";
import { decodeBase64, decodeSqlValue, encodeBase64, encodeSqlValue, type SqlValue } from "../src/index.ts";

const protocolError = expect.objectContaining({ code: "PROTOCOL" });

describe("a SQL value", () => {
  it.each<[SqlValue, unknown]>([
    [null, { type: "null" }],
    [0n, { type: "integer", value: "0" }],
    [-9223372036854775808n, { type: "integer", value: "-9223372036854775808" }],
    [9223372036854775807n, { type: "integer", value: "9223372036854775807" }],
    [2, { type: "float", value: 2 }],
    [-0.1, { type: "float", value: -0.1 }],
    [Number.POSITIVE_INFINITY, { type: "float", value: null }],
    ["ä\0\u{1f600}", { type: "text", value: "ä\0\u{1f600}" }],
    [new Uint8Array(0), { type: "blob", base64: "" }],
    [Uint8Array.of(1, 2, 3, 4, 5), { type: "blob", base64: "AQIDBAU" }],
  ])("%s is the same after a journey as JSON", (value, json) => {
    expect(encodeSqlValue(value)).toEqual(json);
    expect(decodeSqlValue(JSON.parse(JSON.stringify(json)))).toEqual(value);
  });

  it("loses the sign of an infinity, which JSON has no number for", () => {
    expect(encodeSqlValue(Number.NEGATIVE_INFINITY)).toEqual({ type: "float", value: null });
  });

  it.each([
    [undefined],
    [null],
    [[]],
    ["text"],
    [{}],
    [{ type: "real", value: 1 }],
    [{ type: "integer", value: 1 }],
    [{ type: "integer", value: "" }],
    [{ type: "integer", value: "1.0" }],
    [{ type: "integer", value: "0x10" }],
    [{ type: "integer", value: "9223372036854775808" }],
    [{ type: "integer", value: "9".repeat(1_000_000) }],
    [{ type: "float", value: "1" }],
    [{ type: "float" }],
    [{ type: "text", value: 1 }],
    [{ type: "blob", value: "" }],
    [{ type: "blob", base64: "A" }],
    [{ type: "blob", base64: "AB=C" }],
    [{ type: "blob", base64: "AAAä" }],
    [{ type: "blob", base64: "AA\nA" }],
  ])("%j is none", (json) => {
    expect(() => decodeSqlValue(json)).toThrow(protocolError);
  });
});

describe("base64", () => {
  it("of every length is read back, padded or not, and agrees with the platform's", () => {
    for (let length = 0; length < 70; length++) {
      const bytes = Uint8Array.from({ length }, (_, i) => (i * 89 + length * 7) & 255);
      const padded = Buffer.from(bytes).toString("base64");
      expect(encodeBase64(bytes)).toBe(padded.replace(/=+$/, ""));
      expect(decodeBase64(padded)).toEqual(bytes);
      expect(decodeBase64(encodeBase64(bytes))).toEqual(bytes);
    }
  });

  it("of a megabyte is read back", () => {
    const bytes = Uint8Array.from({ length: 1_000_001 }, (_, i) => (i * i) & 255);
    expect(Buffer.compare(decodeBase64(encodeBase64(bytes)), bytes)).toBe(0);
  });
});
