import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { LacunaError, type PageNo, pageNo } from "@lacuna/page";
import { describe, expect, it } from "vitest";
import {
  databaseFromFile,
  describeTransport,
  laterTurn,
  patternDatabase,
  RecordingTransport,
  type RemoteDatabase,
} from "../src/index.ts";

function makeFile({ pageSize, seed = 1 }: { readonly pageSize: number; readonly seed?: number }): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), "lacuna-testkit-"));
  try {
    const path = join(folder, "t.db");
    const db = new DatabaseSync(path);
    db.exec(`PRAGMA page_size = ${pageSize}; CREATE TABLE t (id INTEGER PRIMARY KEY, text);
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${pageSize / 4})
      INSERT INTO t SELECT i, printf('%0100d', i * ${seed}) FROM n;`);
    db.close();
    return readFileSync(path);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The page size stands in the header: at offset 16, where 1 is 65536. */
function remoteOf(file: Uint8Array, revision: string): RemoteDatabase {
  if (file.length === 0) return patternDatabase(0, { revision });
  const stored = new DataView(file.buffer, file.byteOffset).getUint16(16);
  return databaseFromFile(file, { pageSize: stored === 1 ? 65_536 : stored, revision });
}

describeTransport({
  name: "RecordingTransport",
  capabilities: { query: false, oneRequest: true, anything: false },
  database: makeFile,
  async serve(file) {
    let database = remoteOf(file, "r1");
    const transports: RecordingTransport[] = [];
    return {
      transport() {
        const transport = new RecordingTransport(database);
        transports.push(transport);
        return transport;
      },
      async replace(other) {
        database = remoteOf(other, "r2");
        for (const transport of transports) transport.replace(database);
      },
      async stop() {
        for (const transport of transports) await transport.close();
      },
    };
  },
});

describe("RecordingTransport", () => {
  const database = patternDatabase(10);
  const fetch = async (transport: RecordingTransport, first: number, last: number): Promise<PageNo[]> => {
    const { revision } = database.shape;
    const pages = [{ first: pageNo(first), last: pageNo(last) }];
    const got: PageNo[] = [];
    for await (const batch of transport.fetchPages({ revision, pages, urgency: "demand" }))
      got.push(...batch.map(({ page }) => page));
    return got;
  };

  it("lets through as many pages as it is told while it is held", async () => {
    const transport = new RecordingTransport(database);
    transport.hold();
    const fetching = fetch(transport, 1, 5);
    transport.deliver(2);
    await laterTurn();
    expect(transport.requests).toMatchObject([{ pages: [1, 2, 3, 4, 5], delivered: [1, 2], state: "open" }]);
    transport.release();
    expect(await fetching).toEqual([1, 2, 3, 4, 5]);
    expect(transport.requests[0]?.state).toBe("complete");
  });

  it("misbehaves once for each script, in turn", async () => {
    const transport = new RecordingTransport(database);
    const error = new LacunaError("NETWORK", "broken off");
    transport.misbehave({ error, afterPages: 1 }, { entries: () => [] });
    await expect(fetch(transport, 1, 2)).rejects.toBe(error);
    expect(await fetch(transport, 1, 2)).toEqual([]);
    expect(await fetch(transport, 1, 2)).toEqual([1, 2]);
    expect(transport.requests.map((request) => request.state)).toEqual(["failed", "complete", "complete"]);
  });

  it("takes a request against the contract for a fault of whoever sent it", async () => {
    const transport = new RecordingTransport(database);
    await expect(fetch(transport, 9, 11)).rejects.toThrow("BUG");
  });
});
