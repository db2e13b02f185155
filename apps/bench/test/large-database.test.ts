import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, it, onTestFinished } from "vitest";
import { createLargeDatabase } from "../src/large-database.ts";

it("the large database has the size that was asked for, and a row for about every 510 bytes", () => {
  const directory = mkdtempSync(join(tmpdir(), "lacuna-bench-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const file = join(directory, "large.db");
  createLargeDatabase(file, 1_000_000);
  expect(Math.abs(statSync(file).size / 1_000_000 - 1)).toBeLessThan(0.1);
  const db = new DatabaseSync(file, { readOnly: true });
  onTestFinished(() => db.close());
  const facts = "SELECT count(*) AS n, max(id) AS last, min(length(body)) AS body FROM entries";
  expect(db.prepare(facts).get()).toEqual({ n: 1960, last: 1960, body: 470 });
});
