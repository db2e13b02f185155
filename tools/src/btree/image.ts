import {
  type DatabaseHeader,
  pageCountOf,
  parseDatabaseHeader,
  runTaskSync,
  type Schema,
  SchemaTask,
} from "@lacuna/btree";
import { CheckTask, type Finding } from "@lacuna/btree/check";
import { WalIndex } from "@lacuna/btree/wal";
import type { PageNo } from "@lacuna/page";

/** The pages of a database file, with those of its log. */
export interface Image {
  readonly header: DatabaseHeader;
  readonly pageCount: number;
  peek(page: PageNo): Uint8Array | undefined;
}

export function imageOf(bytes: Uint8Array, wal?: Uint8Array): Image {
  const log = new WalIndex();
  if (wal !== undefined) {
    log.begin(wal.subarray(0, 32));
    log.append(wal.subarray(32));
  }
  const pageSize = log.header?.pageSize ?? parseDatabaseHeader(bytes).pageSize;
  const pageCount = log.lastCommit?.pageCount ?? pageCountOf(parseDatabaseHeader(bytes), bytes.length);
  const peek = (page: PageNo): Uint8Array => {
    const inLog = log.offsetOf(page);
    const [from, at] =
      inLog === undefined || wal === undefined ? [bytes, (page - 1) * pageSize] : [wal, inLog];
    return from.subarray(at, at + pageSize);
  };
  return { header: parseDatabaseHeader(peek(1 as PageNo)), pageCount, peek };
}

export function findingsOf(image: Image): readonly Finding[] {
  return runTaskSync(new CheckTask(image.header, image.pageCount), (page) => image.peek(page)).findings;
}

export const schemaOf = (image: Image): Schema =>
  runTaskSync(new SchemaTask(image.header, image.pageCount), (page) => image.peek(page));
