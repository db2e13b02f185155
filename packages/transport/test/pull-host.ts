import { indexOfPage, type PageNo } from "@lacuna/page";
import { decodePullRequest, encodeHeader, encodePageMessage, type PullRequest } from "@lacuna/protocol";
import { bodyOf, type Host } from "@lacuna/testkit";

/** What a server is made to answer; by default what an honest one would. */
export interface PullAnswer {
  readonly revision?: string;
  readonly pageCount?: number;
  /** Page numbers in the order they are sent. */
  readonly pages?: readonly number[];
  readonly chunkBytes?: number;
  /** Changes the bytes of a page. */
  readonly page?: (bytes: Uint8Array, page: number) => Uint8Array;
}

/** A server of the sync protocol that can be made to send what no honest one would. Records what it was asked. */
export function pullHost(
  file: Uint8Array,
  pageSize: number,
  answer: PullAnswer | ((asked: PullRequest, nth: number) => PullAnswer) = {},
): Host & { readonly asked: PullRequest[] } {
  const asked: PullRequest[] = [];
  const host: Host = async (request) => {
    const pull = decodePullRequest(new Uint8Array(await request.arrayBuffer()));
    asked.push(pull);
    const how = typeof answer === "function" ? answer(pull, asked.length) : answer;
    const { revision = "r1", pageCount = file.length / pageSize, page: change = (bytes) => bytes } = how;
    const numbers = how.pages ?? selected(pull, pageCount);
    const parts = [
      encodeHeader({ serverRevision: revision, pageCount, protocol: "pages" }),
      ...numbers.map((number) => {
        const bytes = file.subarray((number - 1) * pageSize, number * pageSize);
        return encodePageMessage(indexOfPage(number as PageNo), change(bytes, number));
      }),
    ];
    const body = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      body.set(part, at);
      at += part.length;
    }
    return new Response(bodyOf(body, how.chunkBytes), {
      headers: { "content-type": "application/protobuf" },
    });
  };
  return Object.assign(host, { asked });
}

function selected({ pages }: PullRequest, pageCount: number): number[] {
  const all = Array.from({ length: pageCount }, (_, at) => at + 1);
  if (pages === undefined) return all;
  return all.filter((page) => pages.some(({ first, last }) => page - 1 >= first && page - 1 <= last));
}
