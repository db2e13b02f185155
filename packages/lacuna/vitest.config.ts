import { configDefaults, mergeConfig } from "vitest/config";
import shared from "../../vitest.shared.ts";

// The soak is a task of its own, `test:soak`: it still finds faults, which its README names with their seeds.
const soaks = process.env["LACUNA_SOAK_STEPS"] !== undefined;

export default mergeConfig(shared, {
  test: { exclude: soaks ? configDefaults.exclude : [...configDefaults.exclude, "test/soak/**"] },
});
