import { LacunaError } from "@lacuna/page";
import {
  decodeManifest,
  MANIFEST_NAME,
  MAX_MANIFEST_BYTES,
  type Manifest,
  openManifest,
} from "@lacuna/protocol/published";
import type { HttpAnswer } from "../http-answer.ts";
import { HttpEndpoint, type HttpOptions, type HttpRequest } from "../http-endpoint.ts";
import { refuseWebPage } from "../web-page.ts";
import { fileUrl } from "./file-url.ts";
import { inflate } from "./inflate.ts";
import { sha256 } from "./sha256.ts";

/** A file that is named by what it holds, and how long it is. */
export interface NamedFile {
  readonly name: string;
  /** SHA-256 of the file as it is stored. */
  readonly sha256: string;
  readonly storedBytes: number;
  readonly inflatedBytes: number;
}

type Asked = Pick<HttpRequest, "urgency" | "signal">;

/** Brings files of a published directory. Nothing of them is looked at before it was found to be what was published. */
export class PublishedHost {
  readonly endpoint: HttpEndpoint;

  constructor(options: HttpOptions, what: string) {
    this.endpoint = new HttpEndpoint(options, what);
  }

  /** @throws {LacunaError} `NOT_A_DATABASE` if there is something else, `PROTOCOL` if it is damaged */
  async manifest(asked: Asked): Promise<Manifest> {
    const answer = await this.#get(MANIFEST_NAME, asked);
    const bytes = await wholeBody(answer, MAX_MANIFEST_BYTES);
    const manifest = openManifest(bytes);
    if (manifest === undefined) {
      const type = answer.mediaType ?? "no content type";
      throw new LacunaError(
        "NOT_A_DATABASE",
        `a manifest expected at ${answer.url}, found something else (${type})`,
        { url: answer.url },
      );
    }
    const body = manifest.body.slice();
    requireDigest(answer, manifest.sha256, await sha256(body));
    return decodeManifest(body);
  }

  /** The file, inflated. */
  async file(wanted: NamedFile, asked: Asked): Promise<Uint8Array<ArrayBuffer>> {
    const answer = await this.#get(wanted.name, asked);
    const bytes = await wholeBody(answer, wanted.storedBytes);
    if (bytes.length !== wanted.storedBytes) throw wrongLength(answer, wanted.storedBytes, `${bytes.length}`);
    requireDigest(answer, wanted.sha256, await sha256(bytes));
    return inflate(bytes, wanted.inflatedBytes);
  }

  async #get(name: string, { urgency, signal }: Asked): Promise<HttpAnswer> {
    const answer = await this.endpoint.send({
      method: "GET",
      headers: {},
      target: (base) => fileUrl(base, name),
      urgency,
      signal,
    });
    if (answer.status !== 200) throw answer.statusError(await answer.beginning());
    refuseWebPage(answer);
    return answer;
  }
}

/** @throws {LacunaError} `SHORT_READ` if there is more */
async function wholeBody(answer: HttpAnswer, mostBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of answer.chunks()) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > mostBytes) throw wrongLength(answer, mostBytes, "more");
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

function wrongLength({ url, status }: HttpAnswer, expected: number, found: string): LacunaError {
  return new LacunaError("SHORT_READ", `${expected} bytes expected at ${url}, found ${found}`, {
    url,
    status,
  });
}

function requireDigest({ url, status }: HttpAnswer, expected: string, found: string): void {
  if (found === expected) return;
  throw new LacunaError(
    "PROTOCOL",
    `what is at ${url} was changed or damaged: SHA-256 ${expected} expected, found ${found}`,
    { url, status },
  );
}
