import { once } from "node:events";
import { parseArgs } from "node:util";
import { serveInspector } from "./inspector.ts";

const { values } = parseArgs({
  options: {
    port: { type: "string", short: "p", default: "8090" },
    published: { type: "boolean", default: false },
  },
});
const port = Number(values.port);
if (!Number.isInteger(port) || port < 0 || port > 65_535) {
  console.error(`--port should be a number from 0 to 65535, got ${values.port}`);
  process.exit(2);
}
const inspector = await serveInspector({ port, published: values.published }).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
console.log(`The inspector: ${inspector.url}`);
console.log(`Its sample, a dictionary of 29 MB: ${inspector.sampleUrl}`);
console.log("Ctrl-C ends both.");
await Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
await inspector.close();
