import { DatabaseSync } from "node:sqlite";
import type { SchemaRow } from "@lacuna/btree";
import { encodeRecord } from "@lacuna/btree/write";
import { describe, expect, it } from "vitest";
import { shadowsOf } from "../src/scout/shadow.ts";

const tableOf = (name: string, sql: string): SchemaRow => ({
  type: "table",
  name,
  tableName: name,
  rootPage: undefined,
  sql,
});

const sized = (columns: number): Uint8Array => encodeRecord([null, new Uint8Array(columns).fill(5)]);

describe("what full text expects of its tables", () => {
  it.each([
    ["CREATE VIRTUAL TABLE t USING fts5(body)", 1],
    ["create virtual table t using FTS5 ( a, b UNINDEXED, c )", 3],
    ["CREATE VIRTUAL TABLE t USING fts5(a, b, content='it''s, = x', content_rowid=id)", 2],
    [`CREATE VIRTUAL TABLE t USING fts5("a, b", [c = d], tokenize = "unicode61 tokenchars '-,'")`, 2],
  ])("is a size for each column of %s", (sql, columns) => {
    const docsize = shadowsOf([tableOf("t", sql)], 4096).get("t_docsize");
    expect(docsize?.record?.of(1)).toEqual(sized(columns));
  });

  it("is nothing of other tables", () => {
    const shadows = shadowsOf(
      [
        tableOf("t", "CREATE VIRTUAL TABLE t USING fts5(a)"),
        tableOf("r", "CREATE VIRTUAL TABLE r USING rtree(id, a, b)"),
        tableOf("u", "CREATE TABLE u(a) /* USING fts5(a) */"),
        tableOf("v", "CREATE VIRTUAL TABLE v USING dbstat()"),
      ],
      4096,
    );
    const fullText = ["t_data", "t_idx", "t_config", "t_docsize", "t_content"];
    expect([...shadows.keys()]).toEqual([...fullText, "r_node", "r_rowid"]);
    expect([...shadows.values()].map(({ owner }) => owner)).toEqual([...fullText.map(() => "t"), "r", "r"]);
  });
});

describe("what an R-Tree expects of its nodes", () => {
  it.each([
    [4096, "rtree(id, x0, x1, y0, y1)"],
    [4096, "rtree_i32(id, x0, x1)"],
    [512, "RTREE(id, x0, x1, y0, y1, +name TEXT, +note)"],
    [1024, "rtree(id, a0, a1, b0, b1, c0, c1, d0, d1, e0, e1)"],
    [65_536, "rtree(id, x0, x1, y0, y1)"],
  ])("with pages of %i bytes are as many as SQLite gives a node of %s", (pageSize, using) => {
    const db = new DatabaseSync(":memory:");
    const sql = `CREATE VIRTUAL TABLE r USING ${using}`;
    db.exec(`PRAGMA page_size = ${pageSize}; ${sql}`);
    const { bytes } = db.prepare("SELECT length(data) AS bytes FROM r_node").get() as { bytes: number };
    db.close();
    const record = shadowsOf([tableOf("r", sql)], pageSize).get("r_node")?.record;
    const length = (record?.of(1).length ?? 0) + (record?.restBytes ?? 0);
    expect(length).toBe(encodeRecord([null, new Uint8Array(bytes)]).length);
  });
});
