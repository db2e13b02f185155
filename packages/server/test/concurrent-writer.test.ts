import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect, it } from "vitest";
import { handlerAsFetch, syncHandler } from "../src/index.ts";
import { generationOf, makeDatabase, pull, serve } from "./database-fixture.ts";

it.each([
  { journal: "wal", pauseMs: 0 },
  { journal: "delete", pauseMs: 25 },
] as const)("never mixes pages while another process writes ($journal)", async ({ journal, pauseMs }) => {
  const { path, writer } = makeDatabase({ journal });
  writer.close();
  const child = fork(join(import.meta.dirname, "writer-process.ts"), [path, String(pauseMs)]);
  await once(child, "message");
  const server = handlerAsFetch(syncHandler({ database: await serve(path), chunkBytes: 32_768 }));

  const generations = new Set<number>();
  let brokenOff = 0;
  const client = async (): Promise<void> => {
    for (let round = 0; round < 15 || generations.size < 6; round++) {
      const pulled = await pull(server).catch((error: unknown) => {
        // In rollback mode an answer ends, or is put off, when commits come between.
        if (!(error instanceof TypeError)) expect(String(error)).toContain("status 503");
        return undefined;
      });
      if (pulled === undefined) brokenOff++;
      else generations.add(generationOf(pulled.file));
    }
  };
  await Promise.all([client(), client()]);
  child.send("stop");
  await once(child, "exit");

  expect(child.exitCode).toBe(0);
  if (journal === "wal") expect(brokenOff).toBe(0);
});
