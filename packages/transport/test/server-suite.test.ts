import type { Transport } from "@lacuna/page";
import { serveNode } from "@lacuna/server/node";
import { describeTransport, fetchFrom, type TransportRemote } from "@lacuna/testkit";
import { httpRangeTransport } from "../src/http-range/index.ts";
import { syncServerTransport } from "../src/sync-server/index.ts";
import { makeDatabase } from "./make-database.ts";
import { serveFile } from "./served.ts";

type Make = (origin: string, fetch: typeof globalThis.fetch) => Transport;

const asServer: Make = (origin, fetch) => syncServerTransport({ url: origin, fetch });
const asFile: Make = (origin, fetch) => httpRangeTransport({ url: `${origin}/made.db`, fetch });

/** The server's handler in this process. */
const within =
  (make: Make) =>
  async (file: Uint8Array): Promise<TransportRemote> => {
    const { handler, replace, stop } = await serveFile(file);
    const { fetch, openAnswers } = fetchFrom(handler);
    return { transport: () => make("http://server", fetch), replace, openAnswers, stop };
  };

/** The server on a socket, reached by the runtime's own `fetch`. Stopping it waits for nothing that was left open. */
const overSocket =
  (make: Make) =>
  async (file: Uint8Array): Promise<TransportRemote> => {
    const { handler, replace, stop } = await serveFile(file);
    const node = await serveNode({ handler, port: 0, graceMs: 60_000 });
    return {
      transport: () => make(node.url, globalThis.fetch),
      replace,
      stop: async () => {
        await node.close();
        await stop();
      },
    };
  };

const server = { query: true, oneRequest: true, anything: false };
const host = { ...server, query: false, oneRequest: false };
const database = makeDatabase;

describeTransport({ name: "syncServerTransport", capabilities: server, database, serve: within(asServer) });
describeTransport({
  name: "httpRangeTransport at a server",
  capabilities: host,
  database,
  serve: within(asFile),
});
describeTransport({
  name: "syncServerTransport over a socket",
  capabilities: server,
  database,
  serve: overSocket(asServer),
});
describeTransport({
  name: "httpRangeTransport over a socket",
  capabilities: host,
  database,
  serve: overSocket(asFile),
});
