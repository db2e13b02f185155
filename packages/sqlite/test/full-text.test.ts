import type { SchemaRow } from "@lacuna/btree";
import { encodeRecord } from "@lacuna/btree/write";
import { describe, expect, it } from "vitest";
import { FullText } from "../src/scout/full-text.ts";

const tableOf = (name: string, sql: string): SchemaRow => ({
  type: "table",
  name,
  tableName: name,
  rootPage: undefined,
  sql,
});

const sized = (columns: number): Uint8Array => encodeRecord([null, new Uint8Array(columns).fill(5)]);

describe("full text", () => {
  it.each([
    ["CREATE VIRTUAL TABLE t USING fts5(body)", 1],
    ["create virtual table t using FTS5 ( a, b UNINDEXED, c )", 3],
    ["CREATE VIRTUAL TABLE t USING fts5(a, b, content='it''s, = x', content_rowid=id)", 2],
    [`CREATE VIRTUAL TABLE t USING fts5("a, b", [c = d], tokenize = "unicode61 tokenchars '-,'")`, 2],
  ])("has a size for each column of %s", (sql, columns) => {
    expect(new FullText([tableOf("t", sql)]).recordOf("t_docsize")).toEqual(sized(columns));
  });

  it("owns its shadow tables and no others", () => {
    const fullText = new FullText([
      tableOf("t", "CREATE VIRTUAL TABLE t USING fts5(a)"),
      tableOf("r", "CREATE VIRTUAL TABLE r USING rtree(id, a, b)"),
      tableOf("u", "CREATE TABLE u(a) /* USING fts5(a) */"),
    ]);
    const owners = ["t_data", "t_idx", "t_content", "t_docsize", "t", "r_data", "u_docsize"].map((name) =>
      fullText.ownerOf(name),
    );
    expect(owners).toEqual(["t", "t", "t", "t", undefined, undefined, undefined]);
    expect(["t_data", "u_docsize"].map((name) => fullText.recordOf(name))).toEqual([undefined, undefined]);
  });
});
