import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { PEOPLE, temporaryDatabase } from "./temporary-database.ts";

const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));

interface Lacuna {
  readonly child: ChildProcess;
  readonly exit: Promise<number | null>;
  out(): string;
  err(): string;
}

/** The command as a process of its own, with nothing of a terminal. */
function lacuna(...args: string[]): Lacuna {
  const child = spawn(process.execPath, ["--conditions=lacuna-source", MAIN, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  let err = "";
  child.stdout.on("data", (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    err += chunk.toString();
  });
  const exit = once(child, "close").then(([code]) => code as number | null);
  onTestFinished(() => void child.kill("SIGKILL"));
  return { child, exit, out: () => out, err: () => err };
}

async function serving(file: string, ...args: string[]): Promise<Lacuna & { readonly url: string }> {
  const server = lacuna("serve", "--port", "0", ...args, file);
  while (!server.out().includes("static")) await once(server.child.stdout ?? server.child, "data");
  return { ...server, url: /sync +(\S+)/.exec(server.out())?.[1] ?? "" };
}

describe("the process", () => {
  it("serves and queries over the loopback, and stops at SIGTERM", async () => {
    const server = await serving(temporaryDatabase(PEOPLE));
    const client = lacuna("query", "--json", server.url, "SELECT name FROM people WHERE id = 4000");
    expect(await client.exit).toBe(0);
    expect(client.out()).toBe('[{"name":"person 4000"}]\n');
    expect(client.err()).toBe("");
    server.child.kill("SIGTERM");
    expect(await server.exit).toBe(0);
    expect(server.err()).toBe("");
  });

  it("ends quietly behind a reader that has enough", async () => {
    const client = lacuna(
      "query",
      "--csv",
      temporaryDatabase(PEOPLE),
      "SELECT a.id, b.* FROM people a, people b",
    );
    await once(client.child.stdout ?? client.child, "data");
    client.child.stdout?.destroy();
    expect([await client.exit, client.err()]).toEqual([0, ""]);
  });

  it("ends with 130 when a query is interrupted", async () => {
    const client = lacuna(
      "query",
      "--csv",
      temporaryDatabase(PEOPLE),
      "SELECT a.id FROM people a, people b, people c",
    );
    await once(client.child.stdout ?? client.child, "data");
    client.child.kill("SIGINT");
    expect([await client.exit, client.err()]).toEqual([130, ""]);
  });

  it("stops at once when it is told a second time", async () => {
    const large = "CREATE TABLE t (b); INSERT INTO t VALUES (zeroblob(50000000))";
    const server = await serving(temporaryDatabase(large), "--verbose");
    // An answer that nobody takes keeps a server that stops gracefully.
    const response = await fetch(`${server.url}test.db`);
    onTestFinished(() => response.body?.cancel().catch(() => {}));
    server.child.kill("SIGTERM");
    while (!server.err().includes("stopping")) await once(server.child.stderr ?? server.child, "data");
    expect(server.child.exitCode).toBeNull();
    server.child.kill("SIGTERM");
    expect(await server.exit).toBe(130);
  });
});
