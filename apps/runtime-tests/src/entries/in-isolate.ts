import { type Report, runTests } from "../anywhere/vitest.ts";

// An isolate has no files and compiles no WebAssembly from bytes: the reader without SQL is what runs there.
let report: Promise<Report> | undefined;

export default {
  async fetch(request: Request): Promise<Response> {
    Reflect.set(globalThis, "lacunaSurroundings", await request.json());
    report ??= import("../suites/reader.ts")
      .then(() => import("../suites/readme-pages.ts"))
      .then(() => runTests());
    return Response.json(await report);
  },
};
