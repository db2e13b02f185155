import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { type Run, type RunOptions, run, start } from "./run.ts";
import { PEOPLE, temporaryDatabase, temporaryDirectory } from "./temporary-database.ts";

/** Serves on a free port until the test is over. */
async function serve(
  args: readonly string[],
  options: RunOptions = {},
): Promise<Run & { readonly url: string }> {
  const running = start(["serve", "--port", "0", ...args], options);
  onTestFinished(async () => {
    running.stop();
    await running.code;
  });
  await running.stdout.holds("static");
  const url = /sync +(\S+)/.exec(running.stdout.text())?.[1] ?? "";
  return { ...running, url };
}

describe("serve", () => {
  it("says what it serves and where", async () => {
    const { stdout, url } = await serve([temporaryDatabase(PEOPLE, "my people.db")]);
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
    expect(stdout.text()).toMatch(/^Serving my people\.db, \d+\.\d KiB in \d+ pages\n/);
    expect(stdout.text()).toContain(`  static  ${url}my%20people.db\n`);
  });

  it("serves the file with ranges and the sync protocol", async () => {
    const { url } = await serve([temporaryDatabase(PEOPLE)]);
    const part = await fetch(`${url}test.db`, { headers: { range: "bytes=0-15" } });
    expect([part.status, await part.text()]).toEqual([206, "SQLite format 3\0"]);
    const pages = await fetch(`${url}pull-updates`, { method: "POST" });
    expect(pages.status).toBe(200);
    expect((await pages.arrayBuffer()).byteLength).toBeGreaterThan(4096);
  });

  it("ends with success when it is stopped", async () => {
    const { url, code, stop, stderr } = await serve([temporaryDatabase(PEOPLE)]);
    stop();
    expect(await code).toBe(0);
    expect(stderr.text()).toBe("");
    await expect(fetch(url)).rejects.toThrow("fetch failed");
  });

  it.each([
    [["--auth-token", "s3cret"], {}],
    [[], { env: { LACUNA_AUTH_TOKEN: "s3cret" } }],
  ])("asks for the token of %j %j", async (args, options) => {
    const { url } = await serve([...args, temporaryDatabase(PEOPLE)], options);
    expect((await fetch(`${url}test.db`)).status).toBe(401);
    expect((await fetch(`${url}test.db`, { headers: { authorization: "Bearer s3cret" } })).status).toBe(200);
  });

  it("tells each request when asked to", async () => {
    const { url, stderr } = await serve(["--verbose", temporaryDatabase(PEOPLE)]);
    await (await fetch(`${url}test.db`, { headers: { range: "bytes=0-99" } })).arrayBuffer();
    await (await fetch(`${url}nothing`)).arrayBuffer();
    await stderr.holds(/^GET \/test\.db bytes=0-99 206 \d+\.\d ms\nGET \/nothing 404 \d+\.\d ms\n$/);
  });

  it("warns when other machines can read without a token", async () => {
    const file = temporaryDatabase(PEOPLE);
    const open = await serve(["--host", "0.0.0.0", file]);
    await open.stderr.holds(/^warning: everybody who can reach 0\.0\.0\.0 /);
    const closed = await serve(["--host", "0.0.0.0", "--auth-token", "s3cret", file]);
    expect(closed.stderr.text()).toBe("");
  });

  it("says that a file is missing, is a directory or is no database", async () => {
    const directory = temporaryDirectory();
    mkdirSync(join(directory, "folder"));
    writeFileSync(join(directory, "letter.txt"), "Dear SQLite, this is a letter and no database.".repeat(20));
    const missing = await run(["serve", join(directory, "none.db")]);
    expect(missing).toMatchObject({ code: 1, out: "" });
    expect(missing.err).toMatch(/^error: .*none\.db: there is no such file \(STORAGE\)\n$/);
    const folder = await run(["serve", join(directory, "folder")]);
    expect(folder.err).toMatch(/expected a database file.* \(NOT_A_DATABASE\)\n$/);
    const letter = await run(["serve", join(directory, "letter.txt")]);
    expect(letter.code).toBe(1);
    expect(letter.err).toMatch(/^error: .* \(NOT_A_DATABASE\)\n$/);
  });

  it("says that a port is taken", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void other.close());
    const address = other.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const { code, err } = await run(["serve", "--port", String(port), temporaryDatabase(PEOPLE)]);
    expect(code).toBe(1);
    expect(err).toMatch(new RegExp(`^error: port ${port} of 127\\.0\\.0\\.1 is taken.* \\(BUSY\\)\\n$`));
  });
});
