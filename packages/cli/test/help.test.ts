import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { run } from "./run.ts";

describe("the command line", () => {
  it.each([[["--help"]], [["-h"]], [["help"]]])("%j shows the commands", async (argv) => {
    const { code, out, err } = await run(argv);
    expect([code, err]).toEqual([0, ""]);
    expect(out).toMatch(/^Usage: lacuna <command>/);
    expect(out).toContain("  query URL SQL...");
    expect(out).toContain("  serve FILE");
  });

  it.each([
    [["help", "serve"], "Usage: lacuna serve"],
    [["serve", "--help"], "Usage: lacuna serve"],
    [["help", "query"], "Usage: lacuna query"],
    [["query", "http://x.test", "-h"], "Usage: lacuna query"],
  ])("%j explains the command", async (argv, start) => {
    const { code, out } = await run(argv);
    expect(code).toBe(0);
    expect(out.startsWith(start)).toBe(true);
  });

  it.each([[["--version"]], [["-V"]]])("%j shows the version of the package", async (argv) => {
    const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
    expect(await run(argv)).toEqual({ code: 0, out: `${manifest.version}\n`, err: "" });
  });

  it("keeps its help within 120 columns", async () => {
    for (const argv of [
      ["help"],
      ["help", "query"],
      ["help", "inspect"],
      ["help", "serve"],
      ["help", "publish"],
    ]) {
      const { out } = await run(argv);
      expect(out.split("\n").filter((line) => line.length > 120)).toEqual([]);
    }
  });

  it.each([
    [[], "there is no command", "lacuna --help"],
    [["fly"], "unknown command 'fly'; commands are query, inspect, serve, publish", "lacuna --help"],
    [["--fly"], "unknown option '--fly'", "lacuna --help"],
    [["toString"], "unknown command 'toString'", "lacuna --help"],
    [["help", "fly"], "there is no help for 'fly'", "lacuna --help"],
    [["inspect"], "there is no FILE or URL", "lacuna help inspect"],
    [["inspect", "a.db", "b.db"], "'b.db' is too much", "lacuna help inspect"],
    [
      ["inspect", "--pages=x", "a.db"],
      "--pages takes the number of a page, from 1, got 'x'",
      "lacuna help inspect",
    ],
    [["inspect", "--pages", "0", "a.db"], "got '0'", "lacuna help inspect"],
    [["inspect", "--remote", "ftp", "a.db"], "got 'ftp'", "lacuna help inspect"],
    [["serve"], "there is no FILE", "lacuna help serve"],
    [["serve", "a.db", "b.db"], "'b.db'", "lacuna help serve"],
    [["serve", "--fly", "a.db"], "'--fly'", "lacuna help serve"],
    [
      ["serve", "--port", "http", "a.db"],
      "--port must be a whole number from 0 to 65535, got 'http'",
      "lacuna help serve",
    ],
    [["serve", "--port", "70000", "a.db"], "got '70000'", "lacuna help serve"],
    [["publish"], "there is no FILE", "lacuna help publish"],
    [["publish", "a.db"], "there is no DIR", "lacuna help publish"],
    [["publish", "a.db", "b", "c"], "'c' is too much", "lacuna help publish"],
    [["publish", "--keep", "x", "a.db", "b"], "--keep must be a whole number", "lacuna help publish"],
    [["publish", "--prefix", "x", "a.db", "b"], "--prefix must be a number of bytes", "lacuna help publish"],
    [["query"], "there is no URL", "lacuna help query"],
    [["query", "x.db"], "there is no SQL", "lacuna help query"],
    [["query", "x.db", " ; "], "the SQL has no statement", "lacuna help query"],
    [["query", "x.db", "-"], "there is no standard input", "lacuna help query"],
    [["query", "ftp://x.test/x.db", "SELECT 1"], "got 'ftp:'", "lacuna help query"],
    [["query", "http://", "SELECT 1"], "'http://' is not a URL", "lacuna help query"],
    [
      ["query", "--json", "--csv", "x.db", "SELECT 1"],
      "--json and --csv exclude each other",
      "lacuna help query",
    ],
    [["query", "--prefetch", "--no-prefetch", "x.db", "SELECT 1"], "contradict", "lacuna help query"],
    [["query", "--remote", "cloud", "x.db", "SELECT 1"], "got 'cloud'", "lacuna help query"],
    [
      ["query", "--segment-size", "big", "x.db", "SELECT 1"],
      "--segment-size must be a number of bytes",
      "lacuna help query",
    ],
    [
      ["query", "--segment-size", "0", "x.db", "SELECT 1"],
      "--segment-size must be more than 0",
      "lacuna help query",
    ],
    [
      ["query", "--timeout", "0", "x.db", "SELECT 1"],
      "--timeout must be a whole number from 1",
      "lacuna help query",
    ],
    [
      ["query", "--param", "id", "x.db", "SELECT 1"],
      "--param must be NAME=VALUE, got 'id'",
      "lacuna help query",
    ],
    [["query", "--param", "id=1", "x.db", "SELECT :idx"], "--param id: no statement", "lacuna help query"],
    [["query", "--path"], "'--path <value>' argument missing", "lacuna help query"],
  ])("%j is a usage error", async (argv, message, topic) => {
    const { code, out, err } = await run(argv);
    expect([code, out]).toEqual([2, ""]);
    expect(err).toMatch(/^error: /);
    expect(err).toContain(message);
    expect(err).toContain(`Try '${topic}'.`);
  });

  it("shows nothing of an argument that a terminal would obey", async () => {
    expect((await run(["\u001b[2Jfly"])).err).not.toContain("\u001b");
  });
});
