import { LacunaError } from "@lacuna/page";
import { openBrowserStore } from "@lacuna/storage/browser";
import type { LocalFiles } from "./local-files.ts";
import { tabPlatform } from "./tabs/platform.ts";
import { shareParts } from "./tabs/share-parts.ts";

/** What a browser has: replicas in its own storage, and no files. */
export const localFiles: LocalFiles = {
  openStore: (path) => openBrowserStore({ path }),
  share: (setting) => {
    const platform = tabPlatform();
    return platform === undefined ? setting.open(setting) : shareParts(setting, platform);
  },
  openDatabase: async (url) => {
    throw new LacunaError("NOT_SUPPORTED", "a browser has no files to open by a URL; serve it by http", {
      url,
    });
  },
};
