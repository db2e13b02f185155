import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { createContext, Script } from "node:vm";
import { synchronousRequests } from "./file-host-request.ts";
import type { ResultRow, SerialSystem } from "./system.ts";

/** The numbers of Comlink's messages: how a value travels, and what is asked for. */
const RAW = 0;
const HANDLED = 3;
const APPLY = 2;

/** What its worker answers to a message. */
interface Answer {
  readonly type: number;
  readonly value: unknown;
}

/** `sql.js-httpvfs`: its worker as it is published, in a context that has what a worker of a browser has. */
export const sqlJsHttpvfs: SerialSystem = {
  kind: "serial",
  id: "sql.js-httpvfs",
  name: "sql.js-httpvfs",
  open: async ({ path, log }) => {
    const directory = dirname(createRequire(import.meta.url).resolve("sql.js-httpvfs"));
    const wasm = await readFile(join(directory, "sql-wasm.wasm"));
    const script = new Script(await readFile(join(directory, "sqlite.worker.js"), "utf8"));
    const answers: PromiseWithResolvers<Answer>[] = [];
    let receive: ((event: { data: unknown; origin: string }) => void) | undefined;
    const silent = { log: () => {}, warn: () => {}, error: () => {}, info: () => {} };
    const worker: Record<string, unknown> = {
      console: silent,
      XMLHttpRequest: synchronousRequests(path, log),
      fetch: async () =>
        new Response(new Uint8Array(wasm), { headers: { "content-type": "application/wasm" } }),
      importScripts: () => {},
      location: { href: "http://simulated.test/worker.js" },
      addEventListener: (_: string, listener: typeof receive) => {
        receive = listener;
      },
      postMessage: (answer: Answer) => answers.shift()?.resolve(answer),
      ...{
        WebAssembly,
        TextDecoder,
        TextEncoder,
        URL,
        MessageChannel,
        performance,
        setTimeout,
        clearTimeout,
        crypto,
      },
    };
    worker["self"] = worker;
    script.runInContext(createContext(worker));
    const call = async (name: string, ...parameters: readonly unknown[]): Promise<unknown> => {
      const answer = Promise.withResolvers<Answer>();
      answers.push(answer);
      const argumentList = parameters.map((value) => ({ type: RAW, value }));
      receive?.({ data: { id: "1", type: APPLY, path: [name], argumentList }, origin: "" });
      const { type, value } = await answer.promise;
      if (type === HANDLED && name === "evalCode") {
        throw new Error(String((value as { value?: { message?: string } }).value?.message ?? value));
      }
      return value;
    };
    const config = { serverMode: "full", requestChunkSize: 4096, url: "http://simulated.test/app.db" };
    await call("SplitFileHttpDatabase", "sql-wasm.wasm", [{ from: "inline", config }]);
    return {
      all: async ({ sql, parameters = [] }) => {
        const code = `return db.exec(${JSON.stringify(sql)}, ${JSON.stringify(parameters)})`;
        const results = (await call("evalCode", code)) as { values: ResultRow[] }[];
        return results[0]?.values ?? [];
      },
      close: async () => {},
    };
  },
};
