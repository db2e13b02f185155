import { LacunaError, pageIndex } from "@lacuna/page";
import { expect, it } from "vitest";
import {
  decodePageSelector,
  decodePullRequest,
  encodeHeader,
  encodePageMessage,
  encodePageSelector,
  encodePullRequest,
  PullResponseDecoder,
} from "../src/index.ts";
import { randomFrom } from "./hex.ts";

const random = randomFrom(20_260);

/** Runs it; a typed error is as good as a result, anything else is not. */
function survives(run: () => void): void {
  try {
    run();
  } catch (error) {
    if (!(error instanceof LacunaError)) throw error;
    expect(["PROTOCOL", "NOT_SUPPORTED", "SHORT_READ"]).toContain(error.code);
  }
}

function mutated(seed: Uint8Array): Uint8Array {
  const bytes = seed.slice(0, random() % 4 === 0 ? random() % (seed.length + 1) : seed.length);
  for (let i = random() % 4; i >= 0; i--) {
    if (bytes.length > 0) bytes[random() % bytes.length] = random() & 255;
  }
  return bytes;
}

const noise = (): Uint8Array => Uint8Array.from({ length: random() % 200 }, () => random() & 255);

function decodeAnswer(bytes: Uint8Array): void {
  const decoder = new PullResponseDecoder();
  for (let at = 0; at < bytes.length; ) {
    const step = 1 + (random() % 600);
    decoder.push(bytes.slice(at, at + step));
    at += step;
  }
  decoder.end();
}

const selector = encodePageSelector([
  { first: pageIndex(3), last: pageIndex(40) },
  { first: pageIndex(70_000), last: pageIndex(70_000) },
  { first: pageIndex(200_000), last: pageIndex(900_000) },
]);
const request = encodePullRequest({
  serverRevision: "revision",
  pages: [{ first: pageIndex(5), last: pageIndex(90_000) }],
  query: "SELECT 1",
});
const answer = Uint8Array.from([
  ...encodeHeader({ serverRevision: "r", pageCount: 9, protocol: "pages" }),
  ...encodePageMessage(pageIndex(0), new Uint8Array(512)),
  ...encodePageMessage(pageIndex(8), new Uint8Array(512)),
]);

it.each([
  ["page selectors", selector, decodePageSelector],
  ["pull requests", request, decodePullRequest],
  ["answers", answer, decodeAnswer],
])("damaged %s end in a result or a typed error", (_, seed, decodeOne) => {
  for (let round = 0; round < 4000; round++) {
    survives(() => decodeOne(mutated(seed)));
    survives(() => decodeOne(noise()));
  }
});
