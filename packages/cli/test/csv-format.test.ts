import { describe, expect, it } from "vitest";
import { csvFormat } from "../src/format/csv-format.ts";
import { render } from "./render.ts";

describe("CSV", () => {
  it("has a header line and CRLF line ends", () => {
    expect(render(csvFormat(), ["id", "name"], [[1n, "a"]])).toBe("id,name\r\n1,a\r\n");
  });

  it("has only the header line when there is no row", () => {
    expect(render(csvFormat(), ["a", "b"])).toBe("a,b\r\n");
  });

  it("quotes what holds a comma, a quote or a line end, and doubles quotes", () => {
    const rows = [["a,b"], ['say "hi"'], ["one\ntwo"], ["one\rtwo"], ["plain text"]];
    expect(render(csvFormat(), ['x"y'], rows)).toBe(
      '"x""y"\r\n"a,b"\r\n"say ""hi"""\r\n"one\ntwo"\r\n"one\rtwo"\r\nplain text\r\n',
    );
  });

  it("tells NULL from the empty string", () => {
    expect(render(csvFormat(), ["a", "b"], [[null, ""]])).toBe('a,b\r\n,""\r\n');
  });

  it("never writes an empty line for a row", () => {
    expect(render(csvFormat(), ["a"], [[null]])).toBe('a\r\n""\r\n');
  });

  it("keeps every digit of an integer and shows that a real is one", () => {
    expect(render(csvFormat(), ["v"], [[9223372036854775807n], [1], [0.1], [-0]])).toBe(
      "v\r\n9223372036854775807\r\n1.0\r\n0.1\r\n-0.0\r\n",
    );
  });

  it("writes a blob as hexadecimal digits", () => {
    expect(render(csvFormat(), ["b"], [[new Uint8Array([0, 10, 255])]])).toBe("b\r\n000aff\r\n");
  });
});
