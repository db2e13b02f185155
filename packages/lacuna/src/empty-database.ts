import { type DatabaseShape, LOCAL_REVISION } from "@lacuna/page";

/** The shape of a database that has no remote and that nobody has written to. */
export function emptyDatabase(): DatabaseShape {
  return { revision: LOCAL_REVISION, pageSize: 4096, pageCount: 0 };
}
