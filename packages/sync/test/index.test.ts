import * as sync from "@lacuna/sync";
import { expect, it } from "vitest";

it("exports these names", () => {
  expect(Object.keys(sync).sort()).toEqual(["ChangeError", "boundValue", "openReplica", "openSyncedReplica"]);
});
