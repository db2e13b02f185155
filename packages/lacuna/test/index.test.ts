import { expect, it } from "vitest";
import * as lacuna from "../src/index.ts";
import * as anywhere from "../src/reader/index.ts";
import * as node from "../src/reader/node.ts";

it("exports these names", () => {
  expect(Object.keys(lacuna).sort()).toEqual([
    "ChangeError",
    "Database",
    "LacunaError",
    "SqlError",
    "connect",
    "isLacunaError",
    "open",
    "retryFetch",
  ]);
});

it("exports the same names for reading without SQL everywhere", () => {
  expect(Object.keys(anywhere).sort()).toEqual(["LacunaError", "isLacunaError", "open"]);
  expect(Object.keys(node)).toEqual(Object.keys(anywhere));
});

it("refuses files by name where there are none", async () => {
  await expect(anywhere.open("file:///tmp/a.db")).rejects.toMatchObject({ code: "NOT_SUPPORTED" });
  await expect(anywhere.open("http://server", { path: "/tmp/a.db" })).rejects.toMatchObject({
    code: "NOT_SUPPORTED",
    path: "/tmp/a.db",
  });
});
