import { type AbortOptions, LacunaError } from "@lacuna/page";
import type { SqlCalls, SqlDatabase } from "@lacuna/sqlite";
import type { IngestOptions, Replica } from "@lacuna/sync";

export interface HydrateOptions extends AbortOptions {
  /** Told how it goes, batch by batch. What it throws ends the operation. */
  readonly onProgress?: IngestOptions["onProgress"];
}

/** Rows between two looks at how much has come. */
const ROWS_BETWEEN = 256;

/**
 * Brings the pages that a query reads: by asking the remote which they are, or else by running it here.
 * @throws {SqlError} if SQLite refuses it
 * @throws {LacunaError} `INVALID_OPTION` for a statement that writes
 */
export async function hydrateQuery(
  replica: Pick<Replica, "hydrate" | "stats">,
  database: SqlDatabase,
  query: string,
  { signal, onProgress }: IngestOptions,
): Promise<void> {
  const options = signal === undefined ? {} : { signal };
  const calls = database.with(options);
  await refuseWriting(calls, query);
  if (await calls.isResident(query)) return;
  if (await replica.hydrate({ kind: "query", sql: query }, { signal, onProgress })) return;
  const { residentPages: before } = replica.stats();
  const tell = (): void => {
    const { residentPages, shape } = replica.stats();
    const bytes = (residentPages - before) * shape.pageSize;
    onProgress?.({ pages: residentPages, pageCount: shape.pageCount, bytes });
  };
  const statement = await database.prepare(query, options);
  let rows = 0;
  try {
    for await (const _ of statement.raw().with(options).iterate()) if (++rows % ROWS_BETWEEN === 0) tell();
  } finally {
    statement.close();
  }
  tell();
}

/** What does not begin with SELECT or VALUES may write, also WITH: the program that SQLite makes of it tells. */
async function refuseWriting(calls: SqlCalls, query: string): Promise<void> {
  if (/^\s*(?:select|values)\b/i.test(query)) return;
  const program = await calls.all<{ opcode: string; p2: number }>(`EXPLAIN ${query}`);
  if (!program.some(({ opcode, p2 }) => opcode === "Transaction" && p2 !== 0)) return;
  throw new LacunaError("INVALID_OPTION", "hydrate takes a query, and this statement writes");
}
