import { isPageSize, LacunaError, MAX_PAGE_NO } from "@lacuna/page";
import { jsonCount, jsonObject, jsonText } from "../json-shape.ts";
import { MAX_STRUCTURE_BYTES } from "./structure.ts";

/** A structure file: all that has to be known of a snapshot to check every other byte of it. */
export interface StructureFile {
  /** SHA-256 of the file as it is stored, as 64 hexadecimal digits: the root hash of the snapshot. */
  readonly sha256: string;
  /** Its length as it is stored. */
  readonly storedBytes: number;
  /** Its length when inflated. */
  readonly inflatedBytes: number;
}

/** What the manifest of a published directory says. */
export interface Manifest {
  readonly pageSize: number;
  readonly pageCount: number;
  readonly structure: StructureFile;
}

/** No manifest is longer. */
export const MAX_MANIFEST_BYTES = 4096;

const FIRST_LINE = /^lacuna-published 1 sha256=([\da-f]{64})\n/;
const FIRST_LINE_BYTES = "lacuna-published 1 sha256=\n".length + 64;

/**
 * Takes a manifest apart without reading what it says.
 * @returns the digest that its first line promises, and what must have that SHA-256 before it is parsed; `undefined` if
 *   the bytes are no manifest
 */
export function openManifest(bytes: Uint8Array): { sha256: string; body: Uint8Array } | undefined {
  const line = new TextDecoder("latin1").decode(bytes.subarray(0, FIRST_LINE_BYTES));
  const sha256 = FIRST_LINE.exec(line)?.[1];
  return sha256 === undefined ? undefined : { sha256, body: bytes.subarray(FIRST_LINE_BYTES) };
}

/** Puts the first line before the body of a manifest. */
export function sealManifest(body: Uint8Array, sha256: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(FIRST_LINE_BYTES + body.length);
  bytes.set(new TextEncoder().encode(`lacuna-published 1 sha256=${sha256}\n`));
  bytes.set(body, FIRST_LINE_BYTES);
  return bytes;
}

export function encodeManifest({ pageSize, pageCount, structure }: Manifest): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${JSON.stringify({ pageSize, pageCount, structure }, undefined, 2)}\n`);
}

/** @throws {LacunaError} `PROTOCOL` */
export function decodeManifest(body: Uint8Array): Manifest {
  const value = jsonObject(parse(new TextDecoder().decode(body)), "manifest");
  const pageSize = jsonCount(value["pageSize"], "pageSize", 65_536);
  if (!isPageSize(pageSize)) throw new LacunaError("PROTOCOL", `pageSize must be one, got ${pageSize}`);
  return {
    pageSize,
    pageCount: jsonCount(value["pageCount"], "pageCount", MAX_PAGE_NO),
    structure: decodeStructureFile(value["structure"], "structure"),
  };
}

/**
 * A structure file as JSON names it.
 * @param where the path of the value, for the message
 * @throws {LacunaError} `PROTOCOL`
 */
export function decodeStructureFile(given: unknown, where: string): StructureFile {
  const value = jsonObject(given, where);
  const sha256 = jsonText(value["sha256"], `${where}.sha256`);
  if (!/^[\da-f]{64}$/.test(sha256)) {
    throw new LacunaError("PROTOCOL", `${where}.sha256 must be 64 hexadecimal digits`);
  }
  const bytes = (name: string): number => jsonCount(value[name], `${where}.${name}`, MAX_STRUCTURE_BYTES);
  return { sha256, storedBytes: bytes("storedBytes"), inflatedBytes: bytes("inflatedBytes") };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new LacunaError("PROTOCOL", "the manifest must be JSON", { cause });
  }
}
