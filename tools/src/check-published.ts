import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { checkPackage, createPackageFromTarballData, type Problem } from "@arethetypeswrong/core";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { runProgram } from "./run-program.ts";

// Packs every public package as it would be published and looks at the tarballs: whether entries, files and types fit
// together, for ES modules under Node and for bundlers.

const root = resolve(import.meta.dirname, "../..");
const work = await mkdtemp(join(tmpdir(), "lacuna-published-"));
let findings = 0;
try {
  for (const folder of await readdir(join(root, "packages"))) await check(join(root, "packages", folder));
} finally {
  await rm(work, { recursive: true, force: true });
}
if (findings > 0) process.exitCode = 1;

async function check(folder: string): Promise<void> {
  const manifest = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
  if (manifest.private === true) return;
  await runProgram("npx", ["-y", "pnpm@12", "pack", "--pack-destination", work], { cwd: folder });
  const file = `${manifest.name.replace("@", "").replace("/", "-")}-${manifest.version}.tgz`;
  const tarball = await readFile(join(work, file));
  const report = (finding: string): void => {
    findings++;
    console.log(`${manifest.name}: ${finding}`);
  };
  const { messages } = await publint({ pack: { tarball: bufferOf(tarball) }, strict: true });
  for (const message of messages) report(formatMessage(message, manifest) ?? message.code);
  for (const problem of await problemsOf(tarball)) {
    // Everything here is an ES module, and nothing is for tools that know no "exports".
    const kind = "resolutionKind" in problem ? problem.resolutionKind : undefined;
    if (kind === "node10" || kind === "node16-cjs") continue;
    report(
      `${problem.kind} (${"entrypoint" in problem ? problem.entrypoint : "the package"}, ${kind ?? "any"})`,
    );
  }
  console.log(`${manifest.name}: looked at`);
}

async function problemsOf(tarball: Uint8Array): Promise<Problem[]> {
  const analysis = await checkPackage(createPackageFromTarballData(tarball));
  return "problems" in analysis ? analysis.problems : [];
}

function bufferOf(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}
