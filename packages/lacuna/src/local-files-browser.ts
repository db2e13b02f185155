import { LacunaError } from "@lacuna/page";
import { openBrowserStore } from "@lacuna/storage/browser";
import type { LocalFiles } from "./local-files.ts";
import { tabPlatform } from "./tabs/platform.ts";
import { shareParts } from "./tabs/share-parts.ts";

/** What a browser has: replicas in its own storage, and no files. */
export const localFiles: LocalFiles = {
  async openStore(path, { kind, compress, persist, worker } = {}) {
    if (persist === true) await keep();
    return openBrowserStore({ path, storage: kind, compress, worker });
  },
  async facts() {
    const { storage } = navigator;
    if (typeof storage?.estimate !== "function") return undefined;
    const [{ usage = 0, quota = 0 }, persisted] = await Promise.all([
      storage.estimate(),
      storage.persisted(),
    ]);
    return { usedBytes: usage, quotaBytes: quota, persisted };
  },
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

/** A refusal is no failure: it is told by the facts. */
async function keep(): Promise<void> {
  const { storage } = navigator;
  if (typeof storage?.persist === "function") await storage.persist().catch(() => false);
}
