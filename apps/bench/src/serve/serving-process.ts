import { syncHandler } from "@lacuna/server";
import { openServedFile, serveNode } from "@lacuna/server/node";
import { answerMeasures } from "./process-measures.ts";

// Serves the file named on the command line with a history.
const [path] = process.argv.slice(2);
if (path === undefined) throw new Error("BUG: serving-process needs a file");
const served = await openServedFile(path, { history: true });
const revision = await served.newest();
const server = await serveNode({ handler: syncHandler({ database: served }), port: 0 });
answerMeasures({ port: server.port, revision });
