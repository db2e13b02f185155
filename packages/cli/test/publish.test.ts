import { readFileSync } from "node:fs";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { run } from "./run.ts";
import { PEOPLE, temporaryDatabase, temporaryDirectory } from "./temporary-database.ts";

/** A static host with the directory at `http://host/made/`, and the paths it was asked for. */
function hostOf(directory: string): { readonly fetch: typeof fetch; readonly asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    fetch: async (input, init) => {
      const { pathname } = new URL(new Request(input, init).url);
      asked.push(pathname);
      try {
        return new Response(readFileSync(join(directory, pathname.replace("/made/", ""))));
      } catch {
        return new Response("not found", { status: 404 });
      }
    },
  };
}

const url = "http://host/made/manifest.lacuna";

describe("publish", () => {
  it("makes a directory that query and inspect read over HTTP, in few requests", async () => {
    const [file, directory] = [temporaryDatabase(PEOPLE), join(temporaryDirectory(), "made")];
    const { code, out, err } = await run(["publish", file, directory]);
    expect([code, err]).toEqual([0, ""]);
    expect(out).toMatch(
      /^\d+ pages, [\d.]+ KiB, as [\d.]+ KiB \([\d.]+ %\) in \d+ segments?\n\d+ new files, /,
    );

    const { fetch, asked } = hostOf(directory);
    const found = await run(["query", "--json", url, "SELECT name FROM people WHERE id = 4321"], { fetch });
    expect([found.code, found.err]).toEqual([0, ""]);
    expect(JSON.parse(found.out)).toEqual([{ name: "person 4321" }]);
    expect(asked).toHaveLength(3);
    expect(asked[0]).toBe("/made/manifest.lacuna");

    const check = await run(["inspect", "--check", "http://host/made/"], { fetch });
    expect([check.code, check.out]).toEqual([0, "Check\nok: nothing contradicts the file format\n"]);
  });

  it("tells all of it with --json, and writes only what changed the second time", async () => {
    const [file, directory] = [temporaryDatabase(PEOPLE), join(temporaryDirectory(), "made")];
    const first = JSON.parse((await run(["publish", "--json", file, directory])).out);
    expect(first.databaseBytes).toBe(readFileSync(file).length);
    const db = new DatabaseSync(file);
    db.exec("UPDATE people SET name = 'new' WHERE id = 4321");
    db.close();
    const again = JSON.parse((await run(["publish", "--json", "--keep", "0", file, directory])).out);
    expect(again.root).not.toBe(first.root);
    expect(again.writtenFiles).toBeLessThanOrEqual(2);
    expect(again.removedFiles).toBe(again.writtenFiles);
    const { fetch } = hostOf(directory);
    const found = await run(["query", "--csv", url, "SELECT name FROM people WHERE id = 4321"], { fetch });
    expect(found.out).toBe("name\r\nnew\r\n");
  });

  it("makes a directory of which a reader notices every damage", async () => {
    const [file, directory] = [temporaryDatabase(PEOPLE), join(temporaryDirectory(), "made")];
    await run(["publish", file, directory]);
    const { fetch } = hostOf(directory);
    for (const folder of ["segments", "structure", "."]) {
      const name = (await readdir(join(directory, folder))).find((each) => /^manifest|\.bin$/.test(each));
      const path = join(directory, folder, name ?? "");
      const bytes = await readFile(path);
      const damaged = Buffer.from(bytes);
      damaged.writeUInt8(damaged.readUInt8(bytes.length - 5) ^ 4, bytes.length - 5);
      await writeFile(path, damaged);
      const { code, err } = await run(["query", url, "SELECT sum(length(name)) FROM people"], { fetch });
      expect([folder, code, err]).toEqual([folder, 1, expect.stringMatching(/SHA-256.*\(PROTOCOL\)/)]);
      await writeFile(path, bytes);
    }
    const { code } = await run(["query", url, "SELECT sum(length(name)) FROM people"], { fetch });
    expect(code).toBe(0);
  });

  it("says what is wrong with a file that is no database", async () => {
    const directory = temporaryDirectory();
    const file = join(directory, "no.db");
    await writeFile(file, "x".repeat(5000));
    const { code, err } = await run(["publish", file, join(directory, "made")]);
    expect([code, err]).toEqual([1, expect.stringContaining("NOT_A_DATABASE")]);
  });
});
