import { runTests } from "../anywhere/vitest.ts";

/** Run by a program with a file system: the surroundings are its first argument, the report its last line. */
Reflect.set(globalThis, "lacunaSurroundings", JSON.parse(process.argv[2] ?? "null"));
await import("../suites/page-stores.ts");
await import("../suites/node-stores.ts");
await import("../suites/reader.ts");
await import("../suites/database.ts");
await import("../suites/readme-pages.ts");
await import("../suites/readme-sql.ts");
const report = await runTests();
console.log(`\n${JSON.stringify(report)}`);
process.exit(0);
