import { describe, expect, it } from "vitest";
import { displayWidth } from "../src/format/display-width.ts";
import { tableFormat } from "../src/format/table-format.ts";
import { render } from "./render.ts";

const lines = (text: string): string[] => text.split("\n");

describe("a table", () => {
  it("makes columns as wide as their content and puts numbers to the right", () => {
    const rows = [
      ["cat", 1n, 0.5],
      ["elephant", 1200n, null],
    ];
    expect(lines(render(tableFormat(), ["name", "n", "ratio"], rows))).toEqual([
      "name         n  ratio",
      "────────  ────  ─────",
      "cat          1    0.5",
      "elephant  1200   NULL",
      "(2 rows)",
      "",
    ]);
  });

  it("counts one row in the singular and shows the header of an empty result", () => {
    expect(lines(render(tableFormat(), ["a"], [["x"]])).at(-2)).toBe("(1 row)");
    expect(lines(render(tableFormat(), ["a", "b"]))).toEqual(["a  b", "─  ─", "(0 rows)", ""]);
  });

  it("aligns what is two cells wide, and what has no width", () => {
    const table = lines(
      render(
        tableFormat(),
        ["word", "n"],
        [
          ["日本", 1n],
          ["e\u0301", 2n],
          ["👍🏽", 3n],
        ],
      ),
    );
    expect(table.slice(2, 5)).toEqual(["日本  1", "e\u0301     2", "👍🏽    3"]);
    expect(new Set(table.slice(2, 5).map(displayWidth))).toEqual(new Set([7]));
  });

  it("shows nothing that a terminal would obey, and keeps a row on one line", () => {
    const text = render(
      tableFormat(),
      ["c\u001b[2J"],
      [["a\nb\tc"], ["\u001b]0;title\u0007"], ["\u009b31m\u202e"]],
    );
    expect(lines(text)).toEqual([
      "c␛[2J",
      "──────────",
      "a␊b␉c",
      "␛]0;title␇",
      "\ufffd31m\ufffd",
      "(3 rows)",
      "",
    ]);
  });

  it("writes blobs as SQL does", () => {
    expect(lines(render(tableFormat(), ["b"], [[new Uint8Array([222, 173])]]))[2]).toBe("x'dead'");
  });

  it("takes a column of text and numbers for text", () => {
    expect(lines(render(tableFormat(), ["v"], [["abc"], [1n]])).slice(2, 4)).toEqual(["abc", "1"]);
  });

  it("cuts nothing without a terminal", () => {
    const long = "x".repeat(500);
    expect(render(tableFormat(), ["v"], [[long]])).toContain(long);
  });

  it("takes the space of a terminal from the widest columns", () => {
    const text = render(
      tableFormat({ terminalWidth: 40 }),
      ["id", "note", "tail"],
      [[1n, "n".repeat(100), "t".repeat(10)]],
    );
    const [header = "", rule = "", row = ""] = lines(text);
    expect(displayWidth(row)).toBe(40);
    expect(displayWidth(rule)).toBe(40);
    expect(row).toBe(` 1  ${"n".repeat(23)}…  ${"t".repeat(10)}`);
    expect(header.startsWith("id  note")).toBe(true);
  });

  it("cuts lines of very many columns to the terminal", () => {
    const columns = Array.from({ length: 30 }, (_, index) => `column${index}`);
    const text = render(tableFormat({ terminalWidth: 50 }), columns, [columns.map(() => "some text here")]);
    for (const line of lines(text)) expect(displayWidth(line)).toBeLessThanOrEqual(50);
  });

  it("writes rows as they come once the widths are measured", () => {
    const format = tableFormat({ measuredRows: 2 });
    expect(format.begin(["v"])).toBe("");
    expect(format.row(["a"])).toBe("");
    expect(format.row(["bb"])).toBe("v\n──\na\nbb\n");
    expect(format.row(["longer than measured"])).toBe("longer than measured\n");
    expect(format.end()).toBe("(3 rows)\n");
  });
});
