import type { Database } from "lacuna";

/** Work done on an open database. What it returns is not looked at. */
export interface Workload {
  readonly name: string;
  /** Runs before the measurement begins. */
  readonly before?: ((db: Database) => Promise<unknown>) | undefined;
  readonly run: (db: Database) => Promise<unknown>;
}

const LOOKUP = "SELECT type, definition FROM words WHERE word = ?";

/** Words from everywhere in the alphabet, and two that are not there. */
const WORDS = [
  ...["ocean", "abacus", "zebra", "light", "run", "quartz", "hello", "vinegar", "nebula", "jump"],
  ...["icicle", "wander", "tundra", "set", "yarn", "kernel", "umbrella", "xylophone", "no such word", "~"],
];

const point = (db: Database): Promise<unknown> => db.all(LOOKUP, "ocean");

/** What people do with a dictionary, from one word to all of it. */
export const WORDNET_WORKLOADS: readonly Workload[] = [
  { name: "point lookup", run: point },
  {
    name: "20 lookups in turn",
    run: async (db) => {
      for (const word of WORDS) await db.all(LOOKUP, word);
    },
  },
  { name: "20 lookups at once", run: (db) => Promise.all(WORDS.map((word) => db.all(LOOKUP, word))) },
  {
    name: "range, rows scattered",
    run: (db) =>
      db.all("SELECT word, definition FROM words WHERE word >= 'sea' AND word < 'seab' ORDER BY word"),
  },
  { name: "scan", run: (db) => db.all("SELECT sum(length(definition)) FROM words") },
  { name: "count by index", run: (db) => db.all("SELECT count(*) FROM words WHERE type = 'adv'") },
  { name: "LIMIT 10 OFFSET 100000", run: (db) => db.all("SELECT word FROM words LIMIT 10 OFFSET 100000") },
  { name: "point lookup, repeated", before: point, run: point },
];
