import { expect, it } from "vitest";
import * as sqlite from "../src/index.ts";

it("exports these names", () => {
  expect(Object.keys(sqlite).sort()).toEqual(["SqlError", "canSuspend", "kindOfStatement", "openSqlite"]);
});
