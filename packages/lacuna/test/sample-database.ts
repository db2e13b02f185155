import { DatabaseSync } from "node:sqlite";
import { databaseFromFile, RecordingTransport, type RemoteDatabase } from "@lacuna/testkit";
import { onTestFinished } from "vitest";
import { type OpenOptions, open, type Reader } from "../src/reader/index.ts";

/** A database made by SQLite, with a connection that is the authority on its rows. */
export interface SampleDatabase {
  readonly authority: DatabaseSync;
  readonly remote: RemoteDatabase;
}

export function sampleDatabase(sql: string, pageSize = 4096, revision = "r1"): SampleDatabase {
  const authority = new DatabaseSync(":memory:");
  onTestFinished(() => authority.close());
  authority.exec(`PRAGMA page_size = ${pageSize}; ${sql}`);
  return { authority, remote: databaseFromFile(authority.serialize(), { pageSize, revision }) };
}

export interface Sample extends SampleDatabase {
  readonly db: Reader;
  readonly transport: RecordingTransport;
}

/** A reader over the database, of which nothing is here but page 1. */
export async function openSample(sample: SampleDatabase, options: OpenOptions = {}): Promise<Sample> {
  const transport = new RecordingTransport(sample.remote);
  const db = await open(undefined, { transport, prefixBytes: 1, ...options });
  onTestFinished(() => db.close());
  // The schema is read with the first call; the counts of tests begin after it.
  await db.schema();
  return { ...sample, db, transport };
}

/** Plain objects, as `toEqual` wants them. */
export function plain(rows: readonly object[]): object[] {
  return rows.map((row) => ({ ...row }));
}
