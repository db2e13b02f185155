import {
  type Bootstrap,
  type PageEntry,
  type PageNo,
  type PageRange,
  pageNo,
  type Revision,
  rangesInOrder,
  type Transport,
} from "@lacuna/page";
import type { Host } from "@lacuna/testkit";

/** Ranges of the pages in the order given. */
export const pages = (...numbers: number[]): PageRange[] => rangesInOrder(numbers.map(pageNo));

export async function collect(
  source: AsyncIterable<readonly PageEntry[]>,
  into: PageEntry[] = [],
): Promise<PageEntry[]> {
  for await (const batch of source) into.push(...batch);
  return into;
}

export async function numbersOf(source: AsyncIterable<readonly PageEntry[]>): Promise<PageNo[]> {
  return (await collect(source)).map(({ page }) => page);
}

export async function revisionOf(transport: Transport): Promise<Revision> {
  const { shape, pages } = await transport.open();
  await collect(pages);
  return shape.revision;
}

/** Opens and takes every page that comes along. */
export async function openAll(transport: Transport, bootstrap?: Bootstrap): Promise<PageEntry[]> {
  return collect((await transport.open({ bootstrap })).pages);
}

/** What the promise fails with. */
export async function failureOf(work: Promise<unknown>): Promise<unknown> {
  try {
    await work;
  } catch (error) {
    return error;
  }
  throw new Error("a failure was expected");
}

/** The same host, and how many requests it had open at once at most. */
export function countingOpen(host: Host): { readonly host: Host; most(): number } {
  let open = 0;
  let most = 0;
  return {
    host: async (request) => {
      most = Math.max(most, ++open);
      await new Promise((resolve) => setTimeout(resolve, 0));
      open--;
      return host(request);
    },
    most: () => most,
  };
}
