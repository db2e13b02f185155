import { expect, it } from "vitest";
import * as file from "../src/file/index.ts";
import * as httpRange from "../src/http-range/index.ts";
import * as root from "../src/index.ts";
import * as published from "../src/published/index.ts";
import * as syncServer from "../src/sync-server/index.ts";

it("exports these names", () => {
  expect(Object.keys(root).sort()).toEqual([
    "HttpStatusError",
    "detectRemote",
    "retryFetch",
    "withReadRetry",
    "withReadTimeout",
    "withRetry",
    "withTimeout",
  ]);
  expect(Object.keys(syncServer).sort()).toEqual(["syncServerPages", "syncServerTransport"]);
  expect(Object.keys(published)).toEqual(["publishedTransport"]);
  expect(Object.keys(httpRange)).toEqual(["httpRangeTransport"]);
  expect(Object.keys(file).sort()).toEqual(["fileTransport", "hasHotJournal"]);
});
