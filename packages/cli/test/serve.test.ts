import { readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { basename, dirname, join } from "node:path";
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
    await stderr.holds(
      /^GET \/test\.db bytes=0-99 206 100 B \d+\.\d ms\nGET \/nothing 404 \d+ B \d+\.\d ms\n$/,
    );
  });

  it("warns when other machines can read without a token", async () => {
    const open = await serve(["--host", "0.0.0.0", temporaryDatabase(PEOPLE)]);
    await open.stderr.holds(/^warning: everybody who can reach 0\.0\.0\.0 /);
    const guarded = ["--host", "0.0.0.0", "--auth-token", "s3cret", temporaryDatabase(PEOPLE)];
    const closed = await serve(guarded);
    expect(closed.stderr.text()).toBe("");
  });

  it("says that a file is missing or is no database", async () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, "letter.txt"), "Dear SQLite, this is a letter and no database.".repeat(20));
    const missing = await run(["serve", join(directory, "none.db")]);
    expect(missing).toMatchObject({ code: 1, out: "" });
    expect(missing.err).toMatch(/^error: .*none\.db: there is no such file \(STORAGE\)\n$/);
    const letter = await run(["serve", join(directory, "letter.txt")]);
    expect(letter.code).toBe(1);
    expect(letter.err).toMatch(/^error: .* \(NOT_A_DATABASE\)\n$/);
  });

  it("runs SQL, and tells clients of the commit at once", async () => {
    const { url } = await serve([temporaryDatabase(PEOPLE)]);
    const sql = async (text: string) => {
      const requests = [{ type: "execute", stmt: { sql: text } }];
      const response = await fetch(`${url}v2/pipeline`, {
        method: "POST",
        body: JSON.stringify({ requests }),
      });
      return response.text();
    };
    const before = await (await fetch(url)).json();
    expect(await sql("CREATE TABLE made(a)")).toContain('"type":"ok"');
    expect(await (await fetch(url)).json()).not.toEqual(before);
    expect(await sql("SELECT count(*) FROM made")).toContain('{"type":"integer","value":"0"}');
  });

  it("accepts no write when it is told so, and leaves no file behind", async () => {
    const file = temporaryDatabase(PEOPLE);
    const { url, stop, code } = await serve(["--read-only", file]);
    const requests = [{ type: "execute", stmt: { sql: "CREATE TABLE made(a)" } }];
    const response = await fetch(`${url}v2/pipeline`, { method: "POST", body: JSON.stringify({ requests }) });
    expect(await response.text()).toContain("attempt to write a readonly database");
    stop();
    await code;
    expect(readdirSync(dirname(file))).toEqual([basename(file)]);
  });

  it("tells readers and writers apart by the tokens of a file", async () => {
    const file = temporaryDatabase(PEOPLE);
    const tokens = join(temporaryDirectory(), "tokens");
    writeFileSync(tokens, "# ours\nwrite w1\nread r1\n");
    const { url } = await serve(["--auth-token-file", tokens, file], { env: { LACUNA_AUTH_TOKEN: "other" } });
    const write = async (token: string) => {
      const requests = [{ type: "execute", stmt: { sql: `CREATE TABLE made_${token}(a)` } }];
      const headers = { authorization: `Bearer ${token}` };
      const response = await fetch(`${url}v2/pipeline`, {
        method: "POST",
        headers,
        body: JSON.stringify({ requests }),
      });
      return response.status === 200 ? (await response.text()).includes('"type":"ok"') : response.status;
    };
    expect([await write("w1"), await write("r1"), await write("other")]).toEqual([true, false, 401]);
    writeFileSync(tokens, "# none\n");
    expect((await run(["serve", "--auth-token-file", tokens, file])).err).toMatch(/there is no token in it/);
    expect((await run(["serve", "--auth-token-file", `${tokens}-no`, file])).code).toBe(1);
  });

  it("serves a directory of databases", async () => {
    const directory = dirname(temporaryDatabase(PEOPLE));
    const { url: example, stdout } = await serve([directory]);
    const url = example.replace(/NAME$/, "");
    expect(stdout.text()).toContain(", 1 database\n");
    expect(await (await fetch(url)).json()).toEqual({ databases: ["test"] });
    const part = await fetch(`${url}test/test.db`, { headers: { range: "bytes=0-5" } });
    expect(await part.text()).toBe("SQLite");
  });

  it("can be watched", async () => {
    const { url, stderr } = await serve(["--log", "json", temporaryDatabase(PEOPLE)]);
    expect(await (await fetch(`${url}health`)).json()).toEqual({ status: "ok" });
    await (await fetch(`${url}pull-updates`, { method: "POST" })).arrayBuffer();
    await stderr.holds("/pull-updates");
    expect(JSON.parse(stderr.text())).toMatchObject({
      level: "info",
      event: "request",
      method: "POST",
      status: 200,
    });
    expect(await (await fetch(`${url}metrics`)).text()).toMatch(/^lacuna_pages_total [1-9]/m);
  });

  it.each([
    [["--log", "loud"], "--log must be text or json, got 'loud'"],
    [["--domain", "example.com"], "--domain is for a directory"],
    [["--keep-bytes", "much"], "--keep-bytes must be"],
  ])("refuses %j", async (args, message) => {
    const { code, err } = await run(["serve", ...args, temporaryDatabase(PEOPLE)]);
    expect([code, err]).toEqual([2, expect.stringContaining(message)]);
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
