import { syncHandler } from "@lacuna/server";
import { openServedFile, serveNode } from "@lacuna/server/node";

// Serves the file named on the command line with a history, tells its parent where, and how much memory it takes when asked.
const [path] = process.argv.slice(2);
if (path === undefined) throw new Error("BUG: serving-process needs a file");
const served = await openServedFile(path, { history: true });
const revision = await served.newest();
const server = await serveNode({ handler: syncHandler({ database: served }), port: 0 });
process.on("message", () => process.send?.({ rssBytes: process.memoryUsage.rss() }));
process.once("disconnect", () => process.exit());
process.send?.({ port: server.port, revision });
