import { DatabaseSync } from "node:sqlite";
import { isLacunaError } from "@lacuna/page";
import { changesetTables, readChangeset } from "@lacuna/protocol";
import { describe, expect, it } from "vitest";
import { decodeChange, encodeChange } from "../src/changes/change-record.ts";
import { captured, keylessChangeset } from "./capture.ts";

function sample(): Uint8Array {
  const db = new DatabaseSync(":memory:");
  db.exec("CREATE TABLE t(id INTEGER PRIMARY KEY, v UNIQUE); INSERT INTO t VALUES (1, 'a'), (2, 1.5)");
  const changeset = captured(db, () =>
    db.exec(
      "INSERT INTO t VALUES (3, x'0102'); UPDATE t SET v = 'é' WHERE id = 1; DELETE FROM t WHERE id = 2",
    ),
  );
  const keyless = {
    kind: "changeset",
    bytes: keylessChangeset("n", 1, [{ operation: 23, rowid: 4, before: ["a"], after: ["b"] }]),
    schema: ["CREATE TABLE n(x)"],
    rows: [{ table: "n", rowid: 4n, values: ["b"] }],
  } as const;
  return encodeChange({ items: [changeset, { kind: "ddl", sql: "DROP TABLE t" }, keyless] }, 1234);
}

describe("a change record", () => {
  it("is read as it was written, change by change with names", () => {
    const { number, time, changes } = decodeChange(sample(), 7);
    expect({ number, time }).toEqual({ number: 7, time: 1234 });
    expect(
      changes.map((change) => [change.id, change.kind === "row" ? change.operation : change.sql]),
    ).toEqual([
      ["7.1", "delete"],
      ["7.2", "update"],
      ["7.3", "insert"],
      ["7.4", "DROP TABLE t"],
      ["7.5", "update"],
    ]);
    expect(changes[0]).toMatchObject({ before: [2n, 1.5], after: [] });
    expect(changes[1]).toMatchObject({ before: [1n, "a"], after: [undefined, "é"] });
    expect(changes[4]).toMatchObject({ rowid: 4n, before: ["a"], after: ["b"] });
  });

  it("says nothing of a column that was added since the row was written, and did not change", () => {
    const db = new DatabaseSync(":memory:");
    db.exec("CREATE TABLE t(id INTEGER PRIMARY KEY, v); INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c')");
    db.exec("ALTER TABLE t ADD COLUMN r REAL DEFAULT 10; ALTER TABLE t ADD COLUMN any DEFAULT 10");
    const changeset = captured(db, () =>
      db.exec(
        "UPDATE t SET v = 'x' WHERE id = 1; UPDATE t SET r = 11, any = 10.0 WHERE id = 2; UPDATE t SET r = r WHERE id = 3",
      ),
    );
    const { changes } = decodeChange(encodeChange({ items: [changeset] }, 0), 1);
    expect(changes.map((change) => change.kind === "row" && change.after)).toEqual([
      [undefined, "x", undefined, undefined],
      [undefined, undefined, 11, 10],
    ]);
  });

  it("of a later version is refused as such", () => {
    const bytes = sample();
    bytes[0] = 2;
    expect(() => decodeChange(bytes, 1)).toThrow("version 1 expected, found version 2");
  });

  it("that is cut off anywhere is refused", () => {
    const bytes = sample();
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeChange(bytes.subarray(0, length), 1)).toThrow("local change 1");
    }
  });

  it("with any byte changed is read or refused, with a typed error", () => {
    const bytes = sample();
    let refused = 0;
    for (let at = 0; at < bytes.length; at++) {
      for (const value of [0, 1, 5, 9, 0x7f, 0x80, 0xff]) {
        const changed = bytes.slice();
        changed[at] = value;
        try {
          decodeChange(changed, 1);
        } catch (error) {
          if (!isLacunaError(error)) throw error;
          refused++;
        }
      }
    }
    expect(refused).toBeGreaterThan(bytes.length);
  });
});

describe("a changeset", () => {
  it.each([
    ["a change before its table", [18, 0, 5]],
    ["an unknown kind of change", [0x54, 1, 1, 0x74, 0, 99, 0]],
    ["a patchset", [0x50, 1, 1, 0x74, 0]],
    ["a name without end", [0x54, 1, 1, 0x74]],
    ["a table of no columns", [0x54, 0]],
    ["a text longer than the bytes", [0x54, 1, 1, 0x74, 0, 18, 0, 3, 0xff, 0xff, 0x7f]],
    ["a count that no number holds", [0x54, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]],
  ])("with %s is refused", (_, bytes) => {
    expect(() => [...readChangeset(Uint8Array.from(bytes))]).toThrow("a changeset: ");
    expect(() => changesetTables(Uint8Array.from(bytes))).toThrow("a changeset: ");
  });

  it("tells its tables without being read", () => {
    const db = new DatabaseSync(":memory:");
    db.exec("CREATE TABLE a(id INTEGER PRIMARY KEY, v, w); CREATE TABLE b(k TEXT PRIMARY KEY) WITHOUT ROWID");
    db.exec("INSERT INTO a VALUES (1, 1.5, NULL), (2, 'two', x'02'), (3, NULL, 3)");
    const { bytes } = captured(db, () =>
      db.exec("INSERT INTO b VALUES ('é'); DELETE FROM a WHERE id = 2; UPDATE a SET w = zeroblob(300)"),
    );
    expect([...changesetTables(bytes)].sort()).toEqual(["a", "b"]);
    expect(changesetTables(new Uint8Array())).toEqual(new Set());
  });
});
