import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { deflateRawSync, gzipSync, inflateRawSync } from "node:zlib";
import { isLacunaError, type PageEntry, pageNo, type Revision, type Transport } from "@lacuna/page";
import {
  decodeManifest,
  encodeManifest,
  encodeSegmentTable,
  encodeStructure,
  hexDigest,
  MANIFEST_NAME,
  openManifest,
  type Structure,
  sealManifest,
  structureName,
} from "@lacuna/protocol/published";
import { answering, fetchFrom, type Host, webPage } from "@lacuna/testkit";
import { describe, expect, it, onTestFinished } from "vitest";
import { publishedTransport } from "../src/published/index.ts";
import { collect, openAll, pages, revisionOf } from "./collect.ts";
import { makeDatabase } from "./make-database.ts";
import { directoryHost, publish } from "./published-host.ts";

const url = "https://host.example/made/";
const database = makeDatabase();
const options = { segmentBytes: 32_768, prefixBytes: 0 };
const files = await publish(database, options);
const segment = [...files.keys()][0] as string;
const structure = [...files.keys()].find((name) => name.startsWith("structure/")) as string;

const digest = (bytes: Uint8Array): Uint8Array => createHash("sha256").update(bytes).digest();

function transportOf(host: Host): Transport & { sent(): readonly string[] } {
  const { fetch, requests } = fetchFrom(host);
  const transport = publishedTransport({ url, fetch });
  return Object.assign(transport, {
    sent: () => requests.map((request) => new URL(request.url).pathname.replace("/made/", "")),
  });
}

/** The directory with some of its files replaced. */
const changed = (...changes: readonly (readonly [string, Uint8Array | Response])[]): Host => {
  const host = directoryHost(() => files);
  return (request) => {
    const name = new URL(request.url).pathname.replace("/made/", "");
    const change = changes.find(([each]) => each === name)?.[1];
    if (change === undefined) return host(request);
    return change instanceof Response ? change.clone() : new Response(change.slice());
  };
};

const everything = (host: Host): Promise<PageEntry[]> => openAll(transportOf(host), { kind: "full" });

const codeOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
    return "none";
  } catch (error) {
    if (isLacunaError(error)) return error.code;
    throw error;
  }
};

/** The snapshot as a hostile publisher would have made it: every hash fits. */
function forged(change: (structure: Structure) => Structure | Uint8Array, inflatedBytes?: number): Host {
  const manifest = decodeManifest(
    (openManifest(files.get(MANIFEST_NAME) as Uint8Array) as { body: Uint8Array }).body,
  );
  const honest = inflateRawSync(files.get(structure) as Uint8Array);
  const made = change({
    pageSize: 4096,
    pageCount: manifest.pageCount,
    segmentPages: 8,
    segmentTable: new Uint8Array(),
    pages: new Map(),
  });
  const inflated = made instanceof Uint8Array ? made : encodeStructure(made);
  const stored = deflateRawSync(inflated.length === 0 ? honest : inflated);
  const sha256 = hexDigest(digest(stored));
  const body = encodeManifest({
    ...manifest,
    structure: { sha256, storedBytes: stored.length, inflatedBytes: inflatedBytes ?? inflated.length },
  });
  return changed(
    [MANIFEST_NAME, sealManifest(body, hexDigest(digest(body)))],
    [structureName(sha256), stored],
  );
}

describe("a published database", () => {
  it("is opened and any row found in three requests, the rest of whose pages come with them", async () => {
    const transport = transportOf(directoryHost(() => files));
    const opening = await transport.open({ bootstrap: { kind: "prefix", bytes: 1 } });
    const came = await collect(opening.pages);
    expect(transport.sent()).toEqual([MANIFEST_NAME, structure]);
    // Page 1 is the schema, page 2 the only interior page.
    expect(came.map(({ page }) => page)).toEqual([1, 2]);
    const { revision } = opening.shape;
    await collect(transport.fetchPages({ revision, pages: pages(20, 21), urgency: "demand" }));
    expect(transport.sent()).toHaveLength(3);
    await collect(transport.fetchPages({ revision, pages: pages(1, 2), urgency: "demand" }));
    expect(transport.sent()).toHaveLength(3);
  });

  it("is found at the URL of its directory or manifest, with a query", async () => {
    for (const given of ["made", "made/", "made/manifest.lacuna", "made/manifest.lacuna?sig=1"]) {
      const { fetch, requests } = fetchFrom(directoryHost(() => files));
      const transport = publishedTransport({ url: `https://host.example/${given}`, fetch });
      expect(await openAll(transport, { kind: "full" })).toHaveLength(database.length / 4096);
      expect(new Set(requests.map((request) => new URL(request.url).search))).toEqual(
        new Set([given.includes("?") ? "?sig=1" : ""]),
      );
    }
  });

  it("brings a segment once for pages that are asked for one after the other, or at once", async () => {
    const transport = transportOf(directoryHost(() => files));
    const revision = await revisionOf(transport);
    const ask = (page: number): Promise<PageEntry[]> =>
      collect(transport.fetchPages({ revision, pages: pages(page), urgency: "demand" }));
    await Promise.all([ask(17), ask(18)]);
    const [entry] = await ask(19);
    entry?.bytes.fill(0);
    expect((await ask(19))[0]?.bytes).toEqual(database.slice(18 * 4096, 19 * 4096));
    expect(transport.sent().filter((name) => name.startsWith("segments/"))).toHaveLength(1);
  });

  it("keeps no more segments than it may", async () => {
    const { fetch, requests } = fetchFrom(directoryHost(() => files));
    const transport = publishedTransport({ url, fetch, memoryBytes: 32_768 });
    const revision = await revisionOf(transport);
    for (const page of [3, 12, 13, 3]) {
      await collect(transport.fetchPages({ revision, pages: pages(page), urgency: "demand" }));
    }
    expect(requests.filter((request) => request.url.includes("/segments/"))).toHaveLength(3);
  });

  it("is left by one reader of a segment without ending the wait of another", async () => {
    let release = (): void => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const host = directoryHost(() => files);
    const transport = transportOf(async (request) => {
      if (request.url.includes("/segments/")) await gate;
      return host(request);
    });
    const revision = await revisionOf(transport);
    const controller = new AbortController();
    const ask = (page: number, signal?: AbortSignal): Promise<PageEntry[]> =>
      collect(transport.fetchPages({ revision, pages: pages(page), urgency: "demand" }, { signal }));
    const leaving = ask(17, controller.signal);
    const staying = ask(18);
    while (transport.sent().length < 3) await new Promise((resolve) => setImmediate(resolve));
    controller.abort(new Error("left"));
    await expect(leaving).rejects.toThrow("left");
    release();
    expect(await staying).toHaveLength(1);
    expect(transport.sent()).toHaveLength(3);
  });

  it("brings its structure once, however many ask at once", async () => {
    const transport = transportOf(directoryHost(() => files));
    const revision = await revisionOf(transport);
    const fetching = [3, 4, 12].map((page) =>
      collect(transport.fetchPages({ revision, pages: pages(page), urgency: "demand" })),
    );
    await Promise.all(fetching);
    expect(transport.sent().filter((name) => name === structure)).toHaveLength(1);
  });

  it("has the same files whenever the same database is published, and shares segments with the next one", async () => {
    expect(await publish(database, options)).toEqual(files);
    const next = Uint8Array.from(database);
    next[20 * 4096 + 3000] = (next[20 * 4096 + 3000] ?? 0) ^ 1;
    const names = new Set(files.keys());
    const fresh = [...(await publish(next, options)).keys()].filter((name) => !names.has(name));
    expect(fresh.map((name) => name.split("/")[0])).toEqual(["segments", "structure"]);
  });
});

describe("a flipped byte", () => {
  const places = (length: number): number[] => {
    const step = Math.max(1, Math.floor(length / 50));
    return Array.from({ length }, (_, at) => at).filter((at) => at % step === 0 || at > length - 3);
  };

  it.each([
    ["manifest", MANIFEST_NAME],
    ["structure file", structure],
    ["segment", segment],
  ])("anywhere in the %s is noticed, and no page of that file handed out", async (_, name) => {
    const bytes = files.get(name) as Uint8Array;
    const found = new Set<string>();
    for (const at of name === MANIFEST_NAME ? bytes.keys() : places(bytes.length)) {
      const damaged = Uint8Array.from(bytes);
      damaged[at] = (damaged[at] ?? 0) ^ (1 << (at & 7));
      const came: PageEntry[] = [];
      const code = await codeOf(
        (async () => {
          const transport = transportOf(changed([name, damaged]));
          const { pages: opening } = await transport.open({ bootstrap: { kind: "full" } });
          await collect(opening, came);
        })(),
      );
      found.add(code);
      if (name !== segment) expect(came).toEqual([]);
      for (const { page, bytes: content } of came) {
        const expected = database.subarray((page - 1) * 4096, page * 4096);
        expect(Buffer.compare(content, expected)).toBe(0);
      }
    }
    const expected = name === MANIFEST_NAME ? ["NOT_A_DATABASE", "PROTOCOL"] : ["PROTOCOL"];
    expect([...found].sort()).toEqual(expected);
  });
});

describe("a host that does not keep what was published", () => {
  it.each([
    ["is missing", answering(404), "HTTP_STATUS"],
    ["is kept from everybody", answering(403), "UNAUTHORIZED"],
    ["is the front page of an application", webPage(), "NOT_A_DATABASE"],
    ["is empty", () => new Response(""), "SHORT_READ"],
  ] as const)("ends typed when a file %s", async (_, host, code) => {
    for (const name of [segment, structure]) {
      const answer = await host(new Request(url));
      expect([name, await codeOf(everything(changed([name, answer])))]).toEqual([name, code]);
    }
  });

  it("ends typed when a file is cut short or goes on", async () => {
    for (const name of [segment, structure]) {
      const bytes = files.get(name) as Uint8Array;
      const longer = new Uint8Array(bytes.length + 1);
      longer.set(bytes);
      for (const wrong of [bytes.subarray(0, -1), longer]) {
        expect(await codeOf(everything(changed([name, wrong])))).toBe("SHORT_READ");
      }
    }
  });

  it("is read when it compresses again and says so, and refused when it does not say it", async () => {
    for (const [headers, codes] of [
      [{ "content-encoding": "gzip" }, ["none"]],
      [{}, ["NOT_A_DATABASE"]],
    ] as const) {
      const server = createServer((request, response) => {
        const bytes = files.get((request.url ?? "").replace("/made/", ""));
        response.writeHead(bytes === undefined ? 404 : 200, headers);
        response.end(gzipSync(bytes ?? ""));
      });
      onTestFinished(() => void server.close());
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const { port } = server.address() as AddressInfo;
      const transport = publishedTransport({ url: `http://127.0.0.1:${port}/made/` });
      expect(codes).toContain(await codeOf(openAll(transport, { kind: "full" })));
      await transport.close();
    }
    const again = gzipSync(files.get(segment) as Uint8Array);
    expect(await codeOf(everything(changed([segment, again])))).toBe("SHORT_READ");
  });

  it("is refused when it answers a manifest that never ends", async () => {
    let sent = 0;
    const endless: Host = () =>
      new Response(
        new ReadableStream({
          pull(controller) {
            sent += 1000;
            controller.enqueue(new Uint8Array(1000).fill(65));
          },
        }),
      );
    expect(await codeOf(everything(endless))).toBe("SHORT_READ");
    expect(sent).toBeLessThan(20_000);
  });
});

describe("a publisher that lies", () => {
  it.each([
    ["inflates to more than it says", forged(() => new Uint8Array(1 << 22), 5000)],
    ["inflates to less than it says", forged(() => new Uint8Array(5000), 60_000)],
    ["holds nothing", forged(() => new Uint8Array(1))],
    ["has no segments", forged((each) => each)],
    ["is of another page count", forged((each) => ({ ...each, pageCount: 0 }))],
    ["has segments that are too large", forged((each) => ({ ...each, segmentPages: 4097 }))],
    [
      "names no segment for pages that it does not hold",
      forged((each) => ({ ...each, segmentPages: 64, segmentTable: new Uint8Array(36) })),
    ],
    ["has segments of no page", forged((each) => ({ ...each, segmentPages: 0 }))],
    ["has pages of a wrong size", forged((each) => ({ ...each, pageSize: 1000, pageCount: 0 }))],
  ])("ends as PROTOCOL when its structure %s", async (_, host) => {
    expect(await codeOf(everything(host))).toBe("PROTOCOL");
  });

  it("ends as PROTOCOL when a segment inflates to more than its pages", async () => {
    const bomb = deflateRawSync(new Uint8Array(1 << 24));
    const bombs = { storedBytes: bomb.length, sha256: digest(bomb) };
    const host = forged((each) => ({ ...each, segmentPages: 64, segmentTable: encodeSegmentTable([bombs]) }));
    const withBomb: Host = (request) =>
      request.url.includes("/segments/") ? new Response(bomb) : host(request);
    expect(await codeOf(everything(withBomb))).toBe("PROTOCOL");
  });

  it.each([
    ["{}", "pageSize"],
    ["nothing", "JSON"],
    ['{"pageSize":4096,"pageCount":-1}', "pageCount"],
    ['{"pageSize":4096,"pageCount":3}', "structure"],
    ['{"pageSize":4096,"pageCount":3,"structure":{"sha256":"../../x"}}', "sha256"],
    [
      `{"pageSize":4096,"pageCount":3,"structure":{"sha256":"${"0".repeat(64)}","storedBytes":1e9}}`,
      "storedBytes",
    ],
  ])("ends as PROTOCOL when its manifest is %s", async (text, what) => {
    const body = new TextEncoder().encode(text);
    const manifest = sealManifest(body, hexDigest(digest(body)));
    await expect(everything(changed([MANIFEST_NAME, manifest]))).rejects.toMatchObject({
      code: "PROTOCOL",
      message: expect.stringContaining(what),
    });
  });
});

describe("a snapshot that was replaced", () => {
  const next = makeDatabase({ seed: 2 });

  it("is read on while its files are kept, next to the new one", async () => {
    const all = new Map([...files, ...(await publish(next, options))]);
    const transport = transportOf(directoryHost(() => all));
    const old = await revisionOf(transportOf(directoryHost(() => files)));
    const read = async (revision: Revision): Promise<Uint8Array | undefined> => {
      const [entry] = await collect(transport.fetchPages({ revision, pages: pages(9), urgency: "demand" }));
      return entry?.bytes;
    };
    const newest = await revisionOf(transport);
    expect(newest).not.toBe(old);
    expect(await read(old)).toEqual(database.slice(8 * 4096, 9 * 4096));
    expect(await read(newest)).toEqual(next.slice(8 * 4096, 9 * 4096));
  });

  it("ends as REVISION_CHANGED in the middle of a read once its files are gone, and pages are of one snapshot", async () => {
    let served: ReadonlyMap<string, Uint8Array> = files;
    const after = await publish(next, options);
    const transport = transportOf(directoryHost(() => served));
    const { pages: opening } = await transport.open({ bootstrap: { kind: "full" } });
    const came: PageEntry[] = [];
    const reading = (async () => {
      for await (const batch of opening) {
        came.push(...batch);
        served = after;
      }
    })();
    await expect(reading).rejects.toMatchObject({ code: "REVISION_CHANGED" });
    expect(came.length).toBeGreaterThan(0);
    for (const { page, bytes } of came) {
      expect(Buffer.compare(bytes, database.subarray((page - 1) * 4096, page * 4096))).toBe(0);
    }
  });

  it("cannot be asked for pages it does not have", async () => {
    const transport = transportOf(directoryHost(() => files));
    const revision = await revisionOf(transport);
    const fetching = transport.fetchPages({
      revision,
      pages: [{ first: pageNo(500), last: pageNo(500) }],
      urgency: "demand",
    });
    await expect(collect(fetching)).rejects.toThrow(RangeError);
  });
});
