import type { DatabaseSync } from "node:sqlite";
import { type PageNo, type PageRange, type Revision, revision } from "@lacuna/page";
import { onTestFinished } from "vitest";
import { type Handler, handlerAsFetch, type SyncHandlerOptions, syncHandler } from "../src/index.ts";
import { HistoryFile } from "../src/node/history-file.ts";
import { resolveHistoryOptions } from "../src/node/history-options.ts";
import type { HistoryOptions, ServedFile } from "../src/node/index.ts";
import { serve } from "./database-fixture.ts";

export const pages = (first: number, last = first): PageRange => ({
  first: first as PageNo,
  last: last as PageNo,
});

/** A served file whose revisions are kept, and a `fetch` that reaches it. */
export async function serveHistory(
  path: string,
  history: HistoryOptions = {},
  options: Partial<SyncHandlerOptions> = {},
): Promise<{ file: ServedFile; fetch: typeof fetch; handler: Handler }> {
  const file = await serve(path, { history });
  const handler = syncHandler({ database: file, ...options });
  return { file, fetch: handlerAsFetch(handler), handler };
}

/** The same without the wrapping, for what only tests set. */
export async function openHistory(
  path: string,
  options: HistoryOptions & { maxStorePages?: number } = {},
): Promise<HistoryFile> {
  const { maxStorePages, ...history } = options;
  const file = await HistoryFile.open(path, {
    ...resolveHistoryOptions(history),
    busyTimeoutMs: 5000,
    maxStorePages,
  });
  onTestFinished(() => file.close());
  return file;
}

type Readable = Pick<ServedFile, "open"> | HistoryFile;

/** Every byte of a revision, or of the newest. */
export async function bytesAt(file: Readable, name?: string): Promise<Uint8Array> {
  const wanted = name === undefined ? {} : { revision: revision(name) };
  const view = await (file instanceof HistoryFile ? file.view(wanted) : file.open(wanted));
  try {
    return view.pageCount === 0 ? new Uint8Array(0) : await view.read([pages(1, view.pageCount)]);
  } finally {
    await view.close();
  }
}

export async function newestOf(file: Readable): Promise<Revision> {
  const view = await (file instanceof HistoryFile ? file.view({}) : file.open());
  await view.close();
  return view.revision;
}

/** The newest state as SQLite itself copies it. */
export function copyOf(writer: DatabaseSync): Uint8Array {
  return writer.serialize();
}

/** The pages in which two copies differ, of those that the second has. */
export function differingPages(before: Uint8Array, after: Uint8Array, pageSize = 4096): number[] {
  const differing: number[] = [];
  for (let page = 1; page * pageSize <= after.length; page++) {
    const at = (page - 1) * pageSize;
    const [one, other] = [before, after].map((copy) => Buffer.from(copy.subarray(at, at + pageSize)));
    if (one === undefined || other === undefined || !one.equals(other)) differing.push(page);
  }
  return differing;
}
