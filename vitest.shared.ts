import { defineConfig, type ViteUserConfig } from "vitest/config";

/** What every package's suite has in common: workspace packages are tested from source. */
const shared: ViteUserConfig = defineConfig({
  resolve: { conditions: ["lacuna-source", "node"] },
  ssr: { resolve: { conditions: ["lacuna-source", "node"], externalConditions: ["lacuna-source", "node"] } },
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 60_000,
    execArgv: ["--conditions=lacuna-source", "--no-warnings=ExperimentalWarning"],
  },
});

export default shared;
