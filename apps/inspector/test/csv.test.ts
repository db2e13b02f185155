import { describe, expect, it } from "vitest";
import { hexOf, toCsv } from "../src/page/query/csv.ts";

describe("CSV", () => {
  it("quotes what has to be quoted and tells an empty text from NULL", () => {
    const rows = [
      ["plain", 'say "hi"', "a,b", "two\nlines"],
      [null, "", 12n, 1.5],
    ];
    expect(toCsv(["a", "b,c", "d", "e"], rows)).toBe(
      'a,"b,c",d,e\r\nplain,"say ""hi""","a,b","two\nlines"\r\n,"",12,1.5\r\n',
    );
  });

  it("has blobs as hexadecimal", () => {
    expect(toCsv(["b"], [[new Uint8Array([0, 15, 255])]])).toBe("b\r\n000fff\r\n");
    expect(hexOf(new Uint8Array([1, 2, 3]), 2)).toBe("0102");
  });
});
