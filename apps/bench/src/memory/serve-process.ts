import { syncHandler } from "@lacuna/server";
import { openServedFile, serveNode } from "@lacuna/server/node";

// Serves the file named on the command line and tells its parent where, until the parent lets go of it.
const [path] = process.argv.slice(2);
if (path === undefined) throw new Error("BUG: serve-process needs a file");
const served = await openServedFile(path);
const server = await serveNode({ handler: syncHandler({ database: served }), port: 0 });
process.once("disconnect", () => process.exit());
process.send?.({ url: server.url });
