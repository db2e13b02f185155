import { describe, expect, it } from "vitest";
import {
  type BatchProgress,
  conditionHolds,
  decodeCursorRequest,
  decodePipelineRequest,
  decodeSqlCondition,
  stepsOfCondition,
} from "../src/index.ts";

const protocolError = expect.objectContaining({ code: "PROTOCOL" });
const pipeline = (...requests: unknown[]) => decodePipelineRequest({ requests });
const batchOf = (...steps: unknown[]) => pipeline({ type: "batch", batch: { steps } });

describe("a pipeline request", () => {
  it("may leave out all but the SQL", () => {
    expect(pipeline({ type: "execute", stmt: { sql: "SELECT 1" } })).toEqual({
      baton: undefined,
      requests: [
        {
          type: "execute",
          statement: { text: { sql: "SELECT 1" }, args: [], namedArgs: [], wantRows: true },
        },
      ],
    });
  });

  it("of a push is read as it was captured", () => {
    const guard = { type: "not", cond: { type: "is_autocommit" } };
    const stmt = { sql_id: null, args: [], named_args: [], want_rows: false, replication_index: null };
    const { baton, requests } = decodePipelineRequest({
      baton: null,
      requests: [
        {
          type: "batch",
          batch: {
            steps: [
              { condition: null, stmt: { ...stmt, sql: "BEGIN IMMEDIATE" } },
              {
                condition: guard,
                stmt: {
                  ...stmt,
                  sql: 'INSERT INTO "t" VALUES (?,?)',
                  args: [
                    { type: "integer", value: "1" },
                    { type: "text", value: "a" },
                  ],
                },
              },
            ],
          },
          replication_index: null,
        },
      ],
    });
    expect(baton).toBeUndefined();
    expect(requests).toEqual([
      {
        type: "batch",
        steps: [
          {
            condition: undefined,
            statement: { text: { sql: "BEGIN IMMEDIATE" }, args: [], namedArgs: [], wantRows: false },
          },
          {
            condition: guard,
            statement: {
              text: { sql: 'INSERT INTO "t" VALUES (?,?)' },
              args: [1n, "a"],
              namedArgs: [],
              wantRows: false,
            },
          },
        ],
      },
    ]);
  });

  it("has these other requests", () => {
    const { requests } = pipeline(
      { type: "sequence", sql: "SELECT 1; SELECT 2" },
      { type: "describe", sql_id: 7 },
      { type: "store_sql", sql_id: 7, sql: "SELECT :a" },
      { type: "close_sql", sql_id: 7 },
      { type: "get_autocommit" },
      { type: "close" },
    );
    expect(requests).toEqual([
      { type: "sequence", text: { sql: "SELECT 1; SELECT 2" } },
      { type: "describe", text: { sqlId: 7 } },
      { type: "store_sql", sqlId: 7, sql: "SELECT :a" },
      { type: "close_sql", sqlId: 7 },
      { type: "get_autocommit" },
      { type: "close" },
    ]);
  });

  it("has arguments by name", () => {
    const stmt = { sql: "SELECT :a", named_args: [{ name: "a", value: { type: "float", value: 1 } }] };
    const { steps } = decodeCursorRequest({ baton: "b", batch: { steps: [{ stmt }] } });
    expect(steps[0]?.statement.namedArgs).toEqual([{ name: "a", value: 1 }]);
  });

  it.each([
    [null],
    [[]],
    [{}],
    [{ requests: {} }],
    [{ requests: [null] }],
    [{ requests: [{ type: "drop" }] }],
    [{ requests: [{ type: "execute" }] }],
    [{ requests: [{ type: "execute", stmt: {} }] }],
    [{ requests: [{ type: "execute", stmt: { sql: 1 } }] }],
    [{ requests: [{ type: "execute", stmt: { sql: "", sql_id: 1 } }] }],
    [{ requests: [{ type: "execute", stmt: { sql: "", want_rows: "no" } }] }],
    [{ requests: [{ type: "execute", stmt: { sql: "", args: {} } }] }],
    [{ requests: [{ type: "execute", stmt: { sql: "", args: Array(40_000).fill({ type: "null" }) } }] }],
    [{ requests: [{ type: "execute", stmt: { sql: "", named_args: [{ value: { type: "null" } }] } }] }],
    [{ requests: [{ type: "batch", batch: [] }] }],
    [{ requests: [{ type: "store_sql", sql_id: -1, sql: "" }] }],
    [{ requests: [{ type: "close_sql", sql_id: 0.5 }] }],
    [{ requests: [], baton: 5 }],
  ])("%j is none", (json) => {
    expect(() => decodePipelineRequest(json)).toThrow(protocolError);
  });

  it("is refused with the place of what is wrong with it", () => {
    expect(() =>
      batchOf({ stmt: { sql: "" } }, { stmt: { sql: "", args: [{ type: "integer", value: 5 }] } }),
    ).toThrow("requests[0].batch.steps[1].stmt.args[0].value must be a string, got 5");
  });
});

describe("a condition", () => {
  const progress: BatchProgress = {
    outcome: (step) => (["ok", "error"] as const)[step],
    isAutocommit: () => false,
  };
  const ok = { type: "ok", step: 0 };
  const failed = { type: "error", step: 1 };
  const skipped = { type: "ok", step: 2 };

  it.each<[unknown, boolean]>([
    [ok, true],
    [{ type: "error", step: 0 }, false],
    [failed, true],
    [skipped, false],
    [{ type: "error", step: 2 }, false],
    [{ type: "not", cond: skipped }, true],
    [{ type: "and", conds: [] }, true],
    [{ type: "and", conds: [ok, failed] }, true],
    [{ type: "and", conds: [ok, skipped] }, false],
    [{ type: "or", conds: [] }, false],
    [{ type: "or", conds: [skipped, failed] }, true],
    [{ type: "is_autocommit" }, false],
  ])("%j is %s", (json, holds) => {
    expect(conditionHolds(decodeSqlCondition(json, "condition", 3), progress)).toBe(holds);
  });

  it("names the steps it asks for", () => {
    const steps: number[] = [];
    const json = { type: "or", conds: [{ type: "not", cond: ok }, { type: "is_autocommit" }, failed] };
    stepsOfCondition(decodeSqlCondition(json, "condition", 3), (step) => steps.push(step));
    expect(steps).toEqual([0, 1]);
  });

  it("about a step that does not exist is refused", () => {
    expect(() => batchOf({ condition: { type: "ok", step: 1 }, stmt: { sql: "" } })).toThrow(protocolError);
  });

  it("nested too deep is refused, not followed", () => {
    let json: unknown = { type: "is_autocommit" };
    for (let i = 0; i < 100_000; i++) json = { type: "not", cond: json };
    expect(() => decodeSqlCondition(json, "condition", 1)).toThrow(protocolError);
  });
});
