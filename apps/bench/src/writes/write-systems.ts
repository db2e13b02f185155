import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import initSqlite from "@sqlite.org/sqlite-wasm";
import { connect } from "lacuna";
import type { BenchServer } from "./bench-server.ts";

/** A database that rows are written to, one call a row. */
export interface OpenWriter {
  exec(sql: string): unknown;
  /** Makes a function that runs a statement with one row of values. */
  prepare(sql: string): Promise<(...values: (string | number)[]) => unknown> | RunRow;
  close(): unknown;
}

export type RunRow = (...values: (string | number)[]) => unknown;

export interface WriteSystem {
  readonly name: string;
  /** Opens an empty database under a directory of its own. */
  open(directory: string): Promise<OpenWriter>;
}

/** A replica of an empty database, which records what it does for a push; or a database without a remote. */
function lacuna(durability: "durable" | "relaxed", server: BenchServer | undefined): WriteSystem {
  const kind = server === undefined ? ", no remote" : "";
  return {
    name: `Lacuna, ${durability}${kind}`,
    async open(directory) {
      const remote = server === undefined ? {} : { url: server.url, fetch: server.fetch };
      const db = await connect({ path: join(directory, "lacuna.db"), durability, ...remote });
      return {
        exec: (sql) => db.exec(sql),
        prepare: async (sql) => {
          const statement = await db.prepare(sql);
          return (...values) => statement.run(...values);
        },
        close: () => db.close(),
      };
    },
  };
}

/** The same build of SQLite by itself. Its files are in its memory too; what differs is whether it keeps a journal. */
function sameBuild(what: "memory" | "file"): WriteSystem {
  return {
    name: `the same WASM build, own ${what}`,
    async open() {
      const { oo1 } = await initSqlite();
      const db = new oo1.DB(what === "memory" ? ":memory:" : "/bench.db", "c");
      if (what === "file") db.exec("PRAGMA journal_mode=MEMORY");
      return {
        exec: (sql) => db.exec(sql),
        prepare: (sql) => {
          const statement = db.prepare(sql);
          return (...values) => statement.bind(values).stepReset();
        },
        close: () => db.close(),
      };
    },
  };
}

function nodeSqlite(synchronous: "FULL" | "OFF"): WriteSystem {
  return {
    name: `node:sqlite, WAL, synchronous ${synchronous}`,
    async open(directory) {
      const db = new DatabaseSync(join(directory, "node.db"));
      db.exec(`PRAGMA journal_mode=WAL; PRAGMA synchronous=${synchronous}`);
      return {
        exec: (sql) => db.exec(sql),
        prepare: (sql) => {
          const statement = db.prepare(sql);
          return (...values) => statement.run(...values);
        },
        close: () => db.close(),
      };
    },
  };
}

/** `@tursodatabase/sync` on a local file; native code, which not every platform has. */
function tursoSync(server: BenchServer): WriteSystem {
  return {
    name: "@tursodatabase/sync",
    async open(directory) {
      const turso = await import("@tursodatabase/sync");
      const options = { path: join(directory, "turso.db"), url: server.url, fetch: server.fetch };
      const db = await turso.connect(options as unknown as Parameters<typeof turso.connect>[0]);
      return {
        exec: (sql) => db.exec(sql),
        prepare: async (sql) => {
          const statement = await db.prepare(sql);
          return (...values) => statement.run(...values);
        },
        close: () => db.close(),
      };
    },
  };
}

/** @param server of an empty database */
export function writeSystems(server: BenchServer): WriteSystem[] {
  return [
    lacuna("durable", server),
    lacuna("relaxed", server),
    lacuna("durable", undefined),
    lacuna("relaxed", undefined),
    sameBuild("memory"),
    sameBuild("file"),
    tursoSync(server),
    nodeSqlite("FULL"),
    nodeSqlite("OFF"),
  ];
}
