import { type Revision, revision } from "@lacuna/page";

/** A revision: a commit, counted within a line of commits that is known without gaps. */
export interface LineRevision {
  /** The line. */
  readonly generation: string;
  readonly number: number;
  /** Tells apart what two copies of the files made of the same line. */
  readonly tag: string;
  /** Pages of the database. */
  readonly pageCount: number;
  /** When it was recorded, in milliseconds since 1970. */
  readonly madeMs: number;
}

/** The name that clients are given. */
export function lineRevisionName({ generation, number, tag }: LineRevision): Revision {
  return revision(`h-${generation}-${number.toString(36)}-${tag}`);
}

/** What a name says; `undefined` if it is none of these names. */
export function parseLineRevision(
  name: string,
): Pick<LineRevision, "generation" | "number" | "tag"> | undefined {
  const match = /^h-([0-9a-z]{1,13})-([0-9a-z]{1,10})-([0-9a-z-]{1,20})$/.exec(name);
  const [, generation = "", number = "", tag = ""] = match ?? [];
  return match === null ? undefined : { generation, number: Number.parseInt(number, 36), tag };
}
