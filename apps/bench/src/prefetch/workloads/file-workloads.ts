import type { Statement, Workload } from "./workload.ts";

const WORD = "SELECT type, definition FROM words WHERE word = ?";

/** Words from everywhere in the alphabet, and two that are not there. */
const WORDS = [
  ...["ocean", "abacus", "zebra", "light", "run", "quartz", "hello", "vinegar", "nebula", "jump"],
  ...["icicle", "wander", "tundra", "set", "yarn", "kernel", "umbrella", "xylophone", "no such word", "~"],
];

/** A dictionary as one file of 29 MB: words in no order, looked up through an index. */
export const DICTIONARY_WORKLOADS: readonly Workload[] = [
  {
    id: "word",
    name: "a word",
    database: "dictionary",
    statements: [{ sql: WORD, parameters: ["ocean"] }],
  },
  {
    id: "words-in-turn",
    name: "20 words in turn",
    database: "dictionary",
    statements: WORDS.map((word) => ({ sql: WORD, parameters: [word] })),
  },
  {
    id: "word-range",
    name: "134 words by index, scattered",
    database: "dictionary",
    statements: [
      { sql: "SELECT word, definition FROM words WHERE word >= 'sea' AND word < 'seab' ORDER BY word" },
    ],
  },
  {
    id: "word-typing",
    name: "typing a word",
    database: "dictionary",
    statements: [..."lacuna"].map((_, length) => ({
      sql: "SELECT DISTINCT word FROM words WHERE word >= ? AND word < ? ORDER BY word LIMIT 10",
      parameters: ["lacuna".slice(0, length + 1), `${"lacuna".slice(0, length + 1)}~`],
    })),
  },
];

const ALBUM =
  "SELECT t.Name, t.Milliseconds FROM Album a JOIN Track t ON t.AlbumId = a.AlbumId WHERE a.ArtistId = ? ORDER BY t.TrackId";
const SALES =
  "SELECT ar.Name, round(sum(l.UnitPrice * l.Quantity), 2) AS sold FROM InvoiceLine l JOIN Track t ON t.TrackId = l.TrackId JOIN Album a ON a.AlbumId = t.AlbumId JOIN Artist ar ON ar.ArtistId = a.ArtistId GROUP BY ar.ArtistId ORDER BY sold DESC, ar.ArtistId LIMIT 10";

/** A music shop of 1 MB: many small tables. */
export const MUSIC_WORKLOADS: readonly Workload[] = [
  {
    id: "music-album",
    name: "tracks of an artist",
    database: "music",
    statements: [{ sql: ALBUM, parameters: [90] }],
  },
  {
    id: "music-sales",
    name: "best sellers: four tables joined",
    database: "music",
    statements: [{ sql: SALES }],
  },
];

const EXTENTS = `SELECT extent.description, scope.scope FROM usage
  JOIN extent ON usage.extent_auth_name = extent.auth_name AND usage.extent_code = extent.code
  JOIN scope ON usage.scope_auth_name = scope.auth_name AND usage.scope_code = scope.code
  WHERE object_table_name = 'geodetic_crs' AND object_auth_name = 'EPSG' AND object_code = ?
  ORDER BY usage.auth_name, usage.code`;

const system = (code: string): Statement[] => [
  {
    sql: "SELECT name, deprecated FROM geodetic_crs WHERE auth_name = 'EPSG' AND code = ?",
    parameters: [code],
  },
  { sql: EXTENTS, parameters: [code] },
];

/** A catalogue of coordinate systems: WITHOUT ROWID tables whose keys are pairs of texts. */
export const CATALOG_WORKLOADS: readonly Workload[] = [
  {
    id: "catalog-lookups",
    name: "WITHOUT ROWID: catalogue, in turn",
    database: "catalog",
    statements: ["4326", "4258", "4979"].flatMap(system),
    quick: true,
  },
  {
    id: "catalog-names",
    name: "catalogue searched without index",
    database: "catalog",
    statements: [
      { sql: "SELECT code, name FROM geodetic_crs WHERE name LIKE '%84%' ORDER BY name, code LIMIT 20" },
    ],
  },
];
