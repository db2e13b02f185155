import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { wordnetFile } from "../../wordnet.ts";
import {
  createMessageDatabase,
  FULL_COUNTS,
  MESSAGE_DATABASE_VERSION,
  type MessageCounts,
  SMALL_COUNTS,
} from "./message-database.ts";
import { createCatalogDatabase, createMusicDatabase } from "./substitutes.ts";

export type BenchDatabaseName = "messages" | "dictionary" | "catalog" | "music" | "map";

/** A database that the bench serves. */
export interface BenchDatabase {
  readonly name: BenchDatabaseName;
  /** What it is, for people. */
  readonly title: string;
  readonly path: string;
}

/** Where databases are kept that were generated, out of the way of version control. */
const OUT_DIRECTORY = fileURLToPath(new URL("../../../out/", import.meta.url));

export interface BenchDatabases {
  readonly databases: readonly BenchDatabase[];
  readonly messageCounts: MessageCounts;
}

/**
 * Finds the databases, or generates them. Those that this project does not bring are taken from `dataDirectory`, and where
 * there is none, small ones with the same tables take their place.
 */
export function prepareDatabases(
  small: boolean,
  dataDirectory: string | undefined,
  say: (line: string) => void,
): BenchDatabases {
  const messageCounts = small ? SMALL_COUNTS : FULL_COUNTS;
  const generated = (name: string, create: (path: string) => void): string => {
    const path = join(OUT_DIRECTORY, `${name}-v${MESSAGE_DATABASE_VERSION}.db`);
    if (existsSync(path)) return path;
    say(`generating ${name}`);
    mkdirSync(OUT_DIRECTORY, { recursive: true });
    const unfinished = `${path}-${process.pid}`;
    rmSync(unfinished, { force: true });
    create(unfinished);
    renameSync(unfinished, path);
    return path;
  };
  const given = (file: string): string | undefined => {
    const path = dataDirectory === undefined ? undefined : join(dataDirectory, "databases", file);
    return path !== undefined && existsSync(path) ? path : undefined;
  };
  const messages = generated(small ? "messages-small" : "messages", (path) =>
    createMessageDatabase(path, messageCounts),
  );
  const proj = given("proj.db");
  const chinook = given("chinook.sqlite");
  const map = given("world_map.gpkg");
  return {
    messageCounts,
    databases: [
      { name: "messages", title: `messages, ${small ? 5 : 107} MB, generated`, path: messages },
      { name: "dictionary", title: "wordnet.db, 29 MB", path: wordnetFile() },
      {
        name: "catalog",
        title: proj === undefined ? "substitute of proj.db, generated" : "proj.db, 8 MB",
        path: proj ?? generated("catalog", createCatalogDatabase),
      },
      {
        name: "music",
        title: chinook === undefined ? "substitute of Chinook, generated" : "Chinook, 1 MB",
        path: chinook ?? generated("music", createMusicDatabase),
      },
      ...(map === undefined ? [] : [{ name: "map" as const, title: "world_map.gpkg, 13 MB", path: map }]),
    ],
  };
}
