import { syncHandler } from "@lacuna/server";
import { openServedFile, type ServedFile, withCompression } from "@lacuna/server/node";
import type { Handler } from "../network/simulated-network.ts";
import { AnswerCheck } from "./answer-check.ts";
import { measureExtras } from "./extras.ts";
import { measureOnNetwork, measureSerially, type Site } from "./measure.ts";
import type { Reply, Task } from "./measurer.ts";
import { systemOf } from "./systems/all-systems.ts";
import { TooManyRequests } from "./systems/request-log.ts";

/** A database that is served, and what its answers are held against. */
interface OpenSite {
  readonly site: Site;
  readonly served: ServedFile;
  readonly check: AnswerCheck;
}

let open: OpenSite | undefined;

async function siteOf(path: string): Promise<OpenSite> {
  if (open?.site.path === path) return open;
  open?.check.close();
  await open?.served.close();
  const served = await openServedFile(path);
  const raw = syncHandler({ database: served });
  const handlers = { raw, compressed: withCompression(raw), single: withSingleRanges(raw) };
  const site: Site = { path, name: served.name, handlers };
  open = { site, served, check: new AnswerCheck(path) };
  return open;
}

/** Sends everything where several ranges are asked for. */
function withSingleRanges(handler: Handler): Handler {
  return (request) => {
    if (request.headers.get("range")?.includes(",") !== true) return handler(request);
    const headers = new Headers(request.headers);
    headers.delete("range");
    return handler(new Request(request, { headers }));
  };
}

async function perform(task: Task): Promise<unknown> {
  const { site, check } = await siteOf(task.path);
  if (task.kind === "extras") return measureExtras(site, check, task.workloads, task.network);
  const system = systemOf(task.system);
  if (system.kind === "serial") return measureSerially(system, site, task.workload, check);
  return measureOnNetwork(system, site, task.workload, task.network, check);
}

const reply = (message: Reply): void => void process.send?.(message);

// Measures one thing after another as its parent asks, until the parent ends it or lets go of it.
process.on("message", (task: Task) => {
  perform(task).then(
    (found) => reply({ found }),
    (error: unknown) =>
      reply({ reason: oneLine(error), failure: error instanceof TooManyRequests ? "too-much" : "error" }),
  );
});
process.once("disconnect", () => process.exit());

/** The first line of what went wrong, short enough for a table. */
function oneLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const [line = ""] = text.split("\n");
  return line.length > 160 ? `${line.slice(0, 157)}...` : line;
}
