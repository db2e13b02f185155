import { LacunaError } from "@lacuna/page";
import type { LocalFiles } from "./local-files.ts";

/** For runtimes without a file system, such as those at the edge of a network: nothing for files is even bundled. */
export const localFiles: LocalFiles = {
  openStore: async (path) => {
    throw new LacunaError(
      "NOT_SUPPORTED",
      'there are no files here: use the path ":memory:", or give a store',
      {
        path,
      },
    );
  },
  openDatabase: async (url) => {
    throw new LacunaError("NOT_SUPPORTED", "there are no files here", { url });
  },
};
