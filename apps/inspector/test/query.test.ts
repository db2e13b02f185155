import { describe, expect, it } from "vitest";
import { examplesFor } from "../src/page/query/examples.ts";
import { parseHistory, withQuery } from "../src/page/query/history.ts";
import { readConfig } from "../src/page/shell/config.ts";
import { codeOf } from "../src/page/shell/errors.ts";
import { bytes, milliseconds, percent, plural } from "../src/page/shell/numbers.ts";

const query = (sql: string) => ({ sql, rows: 1, requests: 2, bytes: 3 });

describe("the history of queries", () => {
  it("has the newest first, and each text once", () => {
    const past = withQuery([query("a"), query("b")], query("b"));
    expect(past.map(({ sql }) => sql)).toEqual(["b", "a"]);
  });

  it("keeps fifty", () => {
    let past = withQuery([], query("0"));
    for (let n = 1; n <= 60; n++) past = withQuery(past, query(String(n)));
    expect(past).toHaveLength(50);
    expect(past[0]?.sql).toBe("60");
  });

  it("is empty where what was kept is something else", () => {
    for (const text of [undefined, "{", "7", '[{"sql":1}]']) expect(parseHistory(text)).toEqual([]);
    expect(parseHistory(JSON.stringify([query("a")]))).toEqual([query("a")]);
  });
});

describe("examples for any database", () => {
  it("name its tables as SQL needs it, and leave out those of SQLite", () => {
    const examples = examplesFor(["sqlite_sequence", 'odd "name"']);
    expect(examples[0]?.sql).toBe('SELECT * FROM "odd ""name""" LIMIT 20');
    expect(examples.some(({ sql }) => sql.includes("sqlite_sequence"))).toBe(false);
    expect(examplesFor([])).toHaveLength(1);
  });
});

describe("what is shown", () => {
  it("has numbers with their units", () => {
    expect([0, 999, 4140, 29_241_344, 3e9].map(bytes)).toEqual([
      "0 B",
      "999 B",
      "4.14 kB",
      "29.2 MB",
      "3.00 GB",
    ]);
    expect([0.4, 250, 1500, 12_345].map(milliseconds)).toEqual(["0 ms", "250 ms", "1.50 s", "12.3 s"]);
    expect([percent(0, 5), percent(1, 1e6), percent(1, 3), percent(5, 5), percent(1, 0)]).toEqual([
      "0 %",
      "< 0.01 %",
      "33.3 %",
      "100 %",
      "0 %",
    ]);
    expect([plural(1, "page"), plural(1200, "page"), plural(2, "entry", "entries")]).toEqual([
      "1 page",
      "1,200 pages",
      "2 entries",
    ]);
  });

  it("has the code of an error: SQLite's, Lacuna's, or its name", () => {
    expect(codeOf(Object.assign(new Error(""), { code: "SQL", sqliteCode: "SQLITE_ERROR" }))).toBe(
      "SQLITE_ERROR",
    );
    expect(codeOf(Object.assign(new Error(""), { code: "NETWORK" }))).toBe("NETWORK");
    expect(codeOf(new TypeError(""))).toBe("TypeError");
    expect(codeOf("what")).toBe("ERROR");
  });

  it("does without samples where the page is served by something else", () => {
    expect(readConfig("{}")).toEqual({ samples: [] });
    expect(readConfig(null)).toEqual({ samples: [] });
  });
});
