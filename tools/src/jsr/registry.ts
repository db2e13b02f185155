import { createHash } from "node:crypto";
import { glob, readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { JsrPackage } from "./jsr-packages.ts";

/**
 * Serves staged packages as JSR would: files by version, with a list of them, and imports that name the registry, which
 * publishing puts in the place of bare names. Deno takes the address as `JSR_URL`.
 */
export async function serveRegistry(
  directory: string,
  packages: readonly JsrPackage[],
): Promise<{ readonly url: string; close(): void }> {
  const answers = new Map<string, string>();
  for (const { folder, manifest } of packages) {
    const { name, version, exports, imports = {} } = manifest;
    const files: Record<string, { size: number; checksum: string }> = {};
    for await (const path of glob("src/**/*.ts", { cwd: join(directory, folder) })) {
      const source = published(await readFile(join(directory, folder, path), "utf8"), path, imports);
      const checksum = createHash("sha256").update(source).digest("hex");
      files[`/${path}`] = { size: Buffer.byteLength(source), checksum: `sha256-${checksum}` };
      answers.set(`/${name}/${version}/${path}`, source);
    }
    answers.set(`/${name}/meta.json`, JSON.stringify({ name, latest: version, versions: { [version]: {} } }));
    answers.set(`/${name}/${version}_meta.json`, JSON.stringify({ manifest: files, exports }));
  }
  const server = createServer((request, response) => {
    const answer = answers.get(request.url ?? "");
    response.statusCode = answer === undefined ? 404 : 200;
    response.setHeader(
      "content-type",
      request.url?.endsWith(".json") ? "application/json" : "text/typescript",
    );
    response.end(answer);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/`, close: () => server.close() };
}

/** A source with what its bare imports stand for. */
function published(source: string, path: string, imports: Readonly<Record<string, string>>): string {
  const up = "../".repeat(path.split("/").length - 1);
  return source.replace(
    /((?:from|import) ?\(?)"([@#a-z][^"]*)"/g,
    (whole, before: string, specifier: string) => {
      const name = Object.keys(imports).find(
        (each) => specifier === each || specifier.startsWith(`${each}/`),
      );
      const target = name === undefined ? undefined : imports[name];
      if (name === undefined || target === undefined) return whole;
      const subpath = specifier.slice(name.length);
      return `${before}"${target.startsWith("./") ? up + target.slice(2) : target + subpath}"`;
    },
  );
}
