import { afterEach, describe, expect, it, vi } from "vitest";

afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
});

const TEXTS = {
  "ASCII, short": "abc",
  "ASCII, long": "entry ".repeat(20),
  "beyond ASCII, short": "Gruß 語",
  "beyond ASCII, long": "Grüße, 日本語, 🦔 ".repeat(9),
  "a byte order mark": `\ufeff${"x".repeat(40)}`,
};

/** Bytes that are not UTF-8: cut short, overlong, a surrogate, beyond the last character, stray. */
const BROKEN = [
  [0xe2, 0x82],
  [0xc0, 0xaf],
  [0xed, 0xa0, 0x80],
  [0xf4, 0x90, 0x80, 0x80],
  [0x80, 0xff],
];

describe.each(["with Node's buffers", "without Node's buffers"])("text from memory, %s", (how) => {
  async function textFrom(bytes: Uint8Array, start: number, length: number): Promise<string> {
    if (how.startsWith("without")) vi.stubGlobal("Buffer", undefined);
    const text = await import("../src/text.ts");
    return text.textFrom(bytes, start, length);
  }

  it.each(Object.entries(TEXTS))("is what was written: %s", async (_, text) => {
    const bytes = new TextEncoder().encode(`é${text}é`);
    expect(await textFrom(bytes, 2, bytes.length - 4)).toBe(text);
  });

  it.each(BROKEN)("has U+FFFD for what is not UTF-8: %i %i", async (...broken) => {
    for (const length of [0, 40]) {
      const bytes = Uint8Array.from([...Array(length).fill(0x61), ...broken, 0x62]);
      const text = await textFrom(bytes, 0, bytes.length);
      expect(text).toBe(new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes));
      expect(text).toContain("\ufffd");
    }
  });
});
