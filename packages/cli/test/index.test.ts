import { expect, it } from "vitest";
import * as cli from "../src/index.ts";

it("the package exports these names", () => {
  expect(Object.keys(cli).sort()).toEqual([
    "BrokenPipeError",
    "EXIT_FAILURE",
    "EXIT_INTERRUPTED",
    "EXIT_OK",
    "EXIT_USAGE",
    "runCli",
  ]);
});
