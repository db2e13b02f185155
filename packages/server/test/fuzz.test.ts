import { pageIndex } from "@lacuna/page";
import { encodePullRequest } from "@lacuna/protocol";
import { expect, it } from "vitest";
import { handlerAsFetch, syncHandler } from "../src/index.ts";
import { makeDatabase, serve } from "./database-fixture.ts";
import { randomIntegers } from "./random-numbers.ts";

it("garbage requests are refused or answered, and never the server's fault", async () => {
  const { path } = makeDatabase({ rows: 20 });
  const errors: unknown[] = [];
  const database = await serve(path);
  const server = handlerAsFetch(syncHandler({ database, onError: (error) => errors.push(error) }));
  const random = randomIntegers(99);
  const pick = <T>(values: readonly T[]): T => values[random() % values.length] as T;
  const noise = (length: number): Uint8Array<ArrayBuffer> => {
    return Uint8Array.from({ length: random() % length }, () => random() & 255);
  };
  const seed = encodePullRequest({
    clientRevision: "r",
    pages: [{ first: pageIndex(0), last: pageIndex(90) }],
  });
  const mutated = (): Uint8Array<ArrayBuffer> => {
    const bytes = seed.slice(0, random() % 3 === 0 ? random() % seed.length : seed.length);
    if (bytes.length > 0) bytes[random() % bytes.length] = random() & 255;
    return bytes;
  };
  const printable = (): string => String.fromCharCode(...noise(30).map((byte) => 33 + (byte % 94)));

  const statuses = new Set<number>();
  for (let round = 0; round < 1500; round++) {
    const method = pick(["GET", "HEAD", "POST", "POST", "PUT", "OPTIONS"]);
    const where = pick(["/pull-updates", "/pull-updates", "/app.db", "/", `/${printable()}`]);
    const name = pick(["range", "if-match", "if-range", "if-none-match", "authorization", "content-type"]);
    const value = pick([
      printable(),
      `bytes=${printable()}`,
      `bytes=${random() % 99}-${random()}`,
      `"${printable()}"`,
    ]);
    const hasBody = method === "POST" || method === "PUT";
    const response = await server(`http://server${where}`, {
      method,
      headers: { [name]: value },
      ...(hasBody ? { body: pick([noise, mutated])(300) } : {}),
    });
    await response.arrayBuffer();
    statuses.add(response.status);
  }
  expect(errors).toEqual([]);
  expect([...statuses].filter((status) => status >= 500)).toEqual([]);
  expect([...statuses].sort()).toEqual(expect.arrayContaining([200, 204, 206, 400, 404, 405, 412]));
});
