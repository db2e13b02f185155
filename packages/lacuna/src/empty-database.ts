import { type DatabaseShape, revision } from "@lacuna/page";

/** The shape of a database that has no remote and that nobody has written to. */
export function emptyDatabase(): DatabaseShape {
  return { revision: revision("empty"), pageSize: 4096, pageCount: 0 };
}
