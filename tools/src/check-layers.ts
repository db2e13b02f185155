import { resolve } from "node:path";
import { checkRules } from "./layers/rules.ts";
import { readWorkspace } from "./layers/workspace.ts";

// Checks the direction of imports of the workspace at the path given, or of this one.
const root = resolve(process.argv[2] ?? resolve(import.meta.dirname, "../.."));
const packages = readWorkspace(root);
const violations = checkRules(packages);
for (const { where, rule } of violations) console.error(`${where}: ${rule}`);
const files = packages.reduce((count, each) => count + each.files.length, 0);
const found = violations.length === 0 ? "all imports point down" : `${violations.length} against the rules`;
console.log(`${packages.length} packages, ${files} files: ${found}`);
process.exitCode = violations.length === 0 ? 0 : 1;
