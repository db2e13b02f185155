import {
  type PageEntry,
  type PageNo,
  type PageRange,
  pageNo,
  type Revision,
  rangesInOrder,
  type Transport,
} from "@lacuna/page";
import { expect, it, onTestFinished } from "vitest";
import { laterTurn } from "./later-turn.ts";

/** A remote that serves one database file. */
export interface TransportRemote {
  /** A new transport to it on every call. */
  transport(): Transport;
  /** Puts another file in the place of the one served. */
  replace(file: Uint8Array): Promise<void>;
  /** How many answers were neither read to their end nor cancelled, where that can be told. */
  openAnswers?(): number;
  stop(): Promise<void>;
}

export interface TransportSubject {
  readonly name: string;
  readonly capabilities: {
    /** The remote can run the SQL of a query bootstrap. */
    readonly query: boolean;
    /** One `fetchPages` is one request, however far apart its pages are. */
    readonly oneRequest: boolean;
    /** The remote can be made to serve bytes that are no database. */
    readonly anything: boolean;
    /**
     * Pages travel deflated, in pieces of the remote's making. What tells the pieces apart costs a request of its own, once,
     * and an opening that brings pages brings those that come with it too.
     * @default false
     */
    readonly packed?: boolean | undefined;
  };
  /**
   * A database file made by SQLite with a table `t(id INTEGER PRIMARY KEY, text)`, at least 20 pages long. Another
   * `seed` gives other rows in a file of the same length.
   */
  database(options: { readonly pageSize: number; readonly seed?: number }): Uint8Array;
  serve(file: Uint8Array): Promise<TransportRemote>;
}

/** How the tests get at remotes, which are stopped when the test is over. */
export interface TransportStarter {
  remoteOf(file: Uint8Array): Promise<TransportRemote>;
  /** A transport to a remote of its own. */
  start(pageSize?: number): Promise<Started>;
}

export function transportStarter(subject: TransportSubject): TransportStarter {
  const remoteOf = async (file: Uint8Array): Promise<TransportRemote> => {
    const remote = await subject.serve(file);
    onTestFinished(() => remote.stop());
    return remote;
  };
  const start = async (pageSize = 4096): Promise<Started> => {
    const file = subject.database({ pageSize });
    const remote = await remoteOf(file);
    const transport = remote.transport();
    onTestFinished(() => transport.close());
    return { file, remote, transport, pageSize, pageCount: file.length / pageSize };
  };
  return { remoteOf, start };
}

/** `it` for what the remote can do; what it cannot do is no test. */
export const when = (capable: boolean): ((name: string, test: () => Promise<void>) => void) =>
  capable ? (name, test) => it(name, test) : () => {};

export interface Started {
  readonly file: Uint8Array;
  readonly remote: TransportRemote;
  readonly transport: Transport;
  readonly pageSize: number;
  readonly pageCount: number;
}

export const ascending = (a: number, b: number): number => a - b;
export const pages = (...numbers: number[]): PageRange[] => rangesInOrder(numbers.map(pageNo));
export const numbersOf = (entries: readonly PageEntry[]): PageNo[] => entries.map(({ page }) => page);

export async function collect(
  source: AsyncIterable<readonly PageEntry[]>,
  into: PageEntry[] = [],
): Promise<PageEntry[]> {
  for await (const batch of source) into.push(...batch);
  return into;
}

export async function revisionOf(transport: Transport): Promise<Revision> {
  const { shape, pages } = await transport.open();
  await collect(pages);
  return shape.revision;
}

/** The pages at the newest revision. */
export async function fetch(transport: Transport, ranges: readonly PageRange[]): Promise<PageEntry[]> {
  const revision = await revisionOf(transport);
  return collect(transport.fetchPages({ revision, pages: ranges, urgency: "demand" }));
}

/** Cancelling may take a turn to arrive, but no more. */
export async function expectNothingOpen(remote: TransportRemote): Promise<void> {
  await laterTurn();
  expect(remote.openAnswers?.() ?? 0).toBe(0);
}

export function expectPages(entries: readonly PageEntry[], file: Uint8Array, pageSize: number): void {
  for (const { page, bytes } of entries) {
    const expected = file.subarray((page - 1) * pageSize, page * pageSize);
    expect(Buffer.compare(bytes, expected), `bytes of page ${page}`).toBe(0);
  }
}
