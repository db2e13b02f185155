import {
  childPages,
  DATABASE_HEADER_BYTES,
  pageKind,
  parseDatabaseHeader,
  runTask,
  SchemaTask,
} from "@lacuna/btree";
import { type AbortOptions, type PageNo, pageNo } from "@lacuna/page";
import type { PublishSource } from "./publish-source.ts";

/** How many pages of a level are looked at together. */
const BATCH_PAGES = 256;

/**
 * The pages a reader meets on the way to any row: those of the schema, then the interior pages of all trees, the levels
 * nearest to the roots first. Leaves are not read, but for one below each interior page: all leaves of a tree are equally
 * deep.
 * @param most ends the search when so many pages were found
 * @throws {LacunaError} `CORRUPT_PAGE`, `NOT_A_DATABASE`
 */
export async function structurePages(
  source: PublishSource,
  most: number,
  options: AbortOptions = {},
): Promise<PageNo[]> {
  const { pageCount } = source;
  if (pageCount === 0) return [];
  const found = new Set<PageNo>();
  const read = async (page: PageNo): Promise<Uint8Array> => {
    found.add(page);
    return source.read([{ first: page, last: page }], options);
  };
  const page1 = await read(pageNo(1));
  const header = parseDatabaseHeader(page1.subarray(0, DATABASE_HEADER_BYTES));
  const schema = await runTask(new SchemaTask(header, pageCount), { peek: () => undefined, read });
  const isNew = (page: PageNo): boolean => page <= pageCount && !found.has(page);

  let level = [...schema.tables, ...schema.indexes].flatMap(({ rootPage }) => rootPage ?? []);
  while (level.length > 0 && found.size < most) {
    const below: PageNo[][] = [];
    for await (const { page, bytes } of eachPage(source, level.filter(isNew), options)) {
      const children = childPages(page, bytes, header.usableSize)?.filter(isNew) ?? [];
      if (children.length === 0 || found.has(page)) continue;
      found.add(page);
      below.push(children);
    }
    level = [];
    const firsts = below.map(([first]) => first as PageNo);
    let at = 0;
    for await (const { page, bytes } of eachPage(source, firsts, options)) {
      const children = below[at++] ?? [];
      if (pageKind(page, bytes)?.endsWith("interior") === true) level.push(...children);
    }
  }
  return [...found].slice(0, most);
}

async function* eachPage(
  source: PublishSource,
  pages: readonly PageNo[],
  options: AbortOptions,
): AsyncGenerator<{ readonly page: PageNo; readonly bytes: Uint8Array }, void, undefined> {
  const { pageSize } = source;
  for (let start = 0; start < pages.length; start += BATCH_PAGES) {
    const batch = pages.slice(start, start + BATCH_PAGES);
    const bytes = await source.read(
      batch.map((page) => ({ first: page, last: page })),
      options,
    );
    for (const [index, page] of batch.entries()) {
      yield { page, bytes: bytes.subarray(index * pageSize, (index + 1) * pageSize) };
    }
  }
}
