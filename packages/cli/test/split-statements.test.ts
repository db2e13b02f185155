import { describe, expect, it } from "vitest";
import { splitStatements } from "../src/split-statements.ts";

describe("splitting statements", () => {
  it.each([
    ["SELECT 1", ["SELECT 1"]],
    ["SELECT 1;", ["SELECT 1"]],
    [" SELECT 1 ; SELECT 2;; ", ["SELECT 1", "SELECT 2"]],
    ["", []],
    [" ;; -- nothing; here\n /* or ; here */ ;", []],
    ["SELECT ';', \"a;b\", `c;d`, [e;f]; SELECT 2", ["SELECT ';', \"a;b\", `c;d`, [e;f]", "SELECT 2"]],
    ["SELECT 'it''s; fine'; SELECT 2", ["SELECT 'it''s; fine'", "SELECT 2"]],
    ["SELECT 1 -- one;\n, 2; SELECT 3", ["SELECT 1 -- one;\n, 2", "SELECT 3"]],
    ["SELECT 'never closed; SELECT 2", ["SELECT 'never closed; SELECT 2"]],
    ["SELECT 1 /* never closed; SELECT 2", ["SELECT 1 /* never closed; SELECT 2"]],
    ["42; ?", ["42", "?"]],
  ])("of %j gives %j", (sql, statements) => {
    expect(splitStatements(sql)).toEqual(statements);
  });

  it("keeps a trigger together up to its END", () => {
    const trigger =
      "create temp trigger t after insert on a begin insert into b values (';'); select case when 1 then 2 end; end";
    expect(splitStatements(`${trigger}; SELECT 1`)).toEqual([trigger, "SELECT 1"]);
  });

  it("takes END for the end of a trigger only", () => {
    expect(splitStatements("BEGIN; SELECT 1; END; SELECT 2")).toEqual([
      "BEGIN",
      "SELECT 1",
      "END",
      "SELECT 2",
    ]);
  });

  it("takes a long string in its stride", () => {
    const long = `SELECT '${"x''".repeat(500_000)}'`;
    expect(splitStatements(`${long};SELECT 2`)).toEqual([long, "SELECT 2"]);
  });
});
