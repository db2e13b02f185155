import { fork } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { isLacunaError, type PageNo, revision } from "@lacuna/page";
import { expect, it } from "vitest";
import { openServedFile, type ServedFile } from "../src/node/index.ts";
import { serve, temporaryDirectory } from "./database-fixture.ts";
import { bytesAt } from "./history-fixture.ts";
import { randomNumbers } from "./random-numbers.ts";
import { type Committed, hashOf, RandomWriter, SCHEMA } from "./random-writer.ts";

const COMMITS = 120;

/** What a copy of the database says. */
function committedIn(bytes: Uint8Array, directory: string): Committed {
  const path = join(directory, "copy.db");
  writeFileSync(path, bytes);
  const copy = new DatabaseSync(path);
  try {
    expect(copy.prepare("PRAGMA integrity_check").all()).toEqual([{ integrity_check: "ok" }]);
    return { token: String(copy.prepare("SELECT token FROM mark").get()?.["token"]), hash: hashOf(copy) };
  } finally {
    copy.close();
  }
}

/** The names of all revisions that a history holds, in their order. Nobody may serve it meanwhile. */
function recordedNames(path: string): string[] {
  const store = new DatabaseSync(`${path}-history`, { readOnly: true });
  try {
    const generation = store.prepare("SELECT value FROM fact WHERE name = 'generation'").get()?.["value"];
    const rows = store.prepare("SELECT number, tag FROM revision ORDER BY number").all();
    return rows.map(({ number, tag }) => `h-${generation}-${Number(number).toString(36)}-${tag}`);
  } finally {
    store.close();
  }
}

/** Random pages of a revision are those that were seen when it was the newest. */
async function readPinned(
  file: ServedFile,
  name: string,
  copy: Uint8Array,
  random: () => number,
): Promise<void> {
  const view = await file.open({ revision: revision(name) });
  expect(view.pageCount * view.pageSize).toBe(copy.length);
  for (let i = 0; i < 5; i++) {
    const first = (1 + Math.floor(random() * view.pageCount)) as PageNo;
    const last = Math.min(view.pageCount, first + Math.floor(random() * 4)) as PageNo;
    const bytes = await view.read([{ first, last }]);
    const expected = copy.subarray((first - 1) * view.pageSize, last * view.pageSize);
    expect(Buffer.compare(bytes, expected)).toBe(0);
  }
  await view.close();
}

it("gives every reader its own revision while two processes write", async () => {
  const directory = temporaryDirectory();
  const path = join(directory, "app.db");
  const schema = new DatabaseSync(path);
  schema.exec(`PRAGMA page_size=1024; PRAGMA journal_mode=WAL; ${SCHEMA}`);
  schema.close();
  const file = await openServedFile(path, {
    history: { checkpointBytes: 100_000, retentionBytes: 1e9, pollMs: 20 },
  });
  const committed = new Map<string, string>();
  const note = ({ token, hash }: Committed): unknown => committed.set(token, hash);
  const child = fork(join(import.meta.dirname, "random-writer-process.ts"), [path, String(COMMITS), "7"]);
  child.on("message", note);
  const ended = once(child, "exit");
  const writer = new RandomWriter(path, "own", 3);
  const random = randomNumbers(11);

  const seen = new Map<string, Uint8Array>();
  for (let i = 0; i < COMMITS; i++) {
    note(writer.commit());
    if (i % 25 === 24) writer.vacuum();
    if (random() < 0.5) {
      const view = await file.open();
      seen.set(view.revision, await view.read([{ first: 1 as PageNo, last: view.pageCount as PageNo }]));
      await view.close();
    }
    const names = [...seen.keys()];
    const name = names[Math.floor(random() * names.length)];
    if (name !== undefined) await readPinned(file, name, seen.get(name) as Uint8Array, random);
  }
  await ended;
  expect(child.exitCode).toBe(0);
  await file.close();
  const vacuums = Math.floor(COMMITS / 25);
  const names = recordedNames(path);
  expect(names.length).toBe(1 + 2 * COMMITS + vacuums);

  // After a restart every revision is the state that one commit left, in the order of the commits.
  const again = await serve(path, { history: { retentionBytes: 1e9 } });
  const tokens = new Set<string>();
  for (const name of names) {
    const bytes = await bytesAt(again, name);
    const { token, hash } = committedIn(bytes, directory);
    if (token !== "first") expect(hash).toBe(committed.get(token));
    tokens.add(token);
    const copy = seen.get(name);
    if (copy !== undefined) expect(digest(bytes)).toBe(digest(copy));
  }
  expect(tokens.size).toBe(1 + 2 * COMMITS);
  writer.close();
}, 120_000);

it("refuses what it forgot while two processes write, and is right about the rest", async () => {
  const path = join(temporaryDirectory(), "app.db");
  const schema = new DatabaseSync(path);
  schema.exec(`PRAGMA journal_mode=WAL; ${SCHEMA}`);
  schema.close();
  const file = await serve(path, { history: { checkpointBytes: 50_000, retentionBytes: 400_000 } });
  const child = fork(join(import.meta.dirname, "random-writer-process.ts"), [path, "60", "5"]);
  const ended = once(child, "exit");
  const writer = new RandomWriter(path, "own", 9);
  const random = randomNumbers(2);
  const seen: { name: string; copy: Uint8Array }[] = [];
  let refused = 0;
  for (let i = 0; i < 60; i++) {
    writer.commit();
    const view = await file.open();
    const copy = await view.read([{ first: 1 as PageNo, last: view.pageCount as PageNo }]);
    seen.push({ name: view.revision, copy });
    const older = seen[Math.floor(random() * seen.length)];
    if (older === undefined) continue;
    await readPinned(file, older.name, older.copy, random).catch((error: unknown) => {
      if (!isLacunaError(error, "REVISION_CHANGED")) throw error;
      refused++;
    });
  }
  await ended;
  writer.close();
  expect(refused).toBeGreaterThan(5);
  expect(refused).toBeLessThan(55);
}, 120_000);

function digest(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
