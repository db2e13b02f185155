import { synchronousRequests } from "./file-host-request.ts";
import type { ResultRow, SerialSystem } from "./system.ts";

/** What is used of its build of SQLite. */
interface Sqlite3 {
  readonly oo1: {
    readonly DB: new (options: {
      filename: string;
      vfs: string;
      flags: string;
    }) => {
      exec(options: {
        sql: string;
        bind: readonly unknown[] | undefined;
        rowMode: "array";
        returnValue: "resultRows";
      }): ResultRow[];
      close(): void;
    };
  };
}

/** `sqlite-wasm-http`: the one of its two ways that does without shared memory, which most hosts cannot offer. */
export const sqliteWasmHttp: SerialSystem = {
  kind: "serial",
  id: "sqlite-wasm-http",
  name: "sqlite-wasm-http",
  open: async ({ path, log }) => {
    const entry = import.meta.resolve("sqlite-wasm-http");
    const { installSyncHttpVfs } = (await import(new URL("vfs-sync-http.js", entry).href)) as {
      installSyncHttpVfs(sqlite3: Sqlite3): void;
    };
    const build = import.meta.resolve("sqlite-wasm-http/sqlite3.js");
    const { default: initialize } = (await import(build)) as { default(): Promise<Sqlite3> };
    const sqlite3 = await initialize();
    // It says much on the console, and finds the class of its requests among the globals.
    const quietly = <T>(run: () => T): T => {
      const { warn, error } = console;
      console.warn = console.error = () => {};
      Object.assign(globalThis, { XMLHttpRequest: synchronousRequests(path, log) });
      try {
        return run();
      } finally {
        Object.assign(console, { warn, error });
        Reflect.deleteProperty(globalThis, "XMLHttpRequest");
      }
    };
    const db = quietly(() => {
      installSyncHttpVfs(sqlite3);
      return new sqlite3.oo1.DB({ filename: "file:http://simulated.test/app.db", vfs: "http", flags: "r" });
    });
    return {
      all: async ({ sql, parameters }) =>
        quietly(() =>
          db.exec({
            sql,
            bind: parameters === undefined || parameters.length === 0 ? undefined : parameters,
            rowMode: "array",
            returnValue: "resultRows",
          }),
        ),
      close: async () => quietly(() => db.close()),
    };
  },
};
