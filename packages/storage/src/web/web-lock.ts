import { LacunaError } from "@lacuna/page";
import type { PathLock } from "../files/path-lock.ts";

/**
 * Ownership of a path among all tabs and workers of the origin. The browser gives it back by itself when the tab is gone,
 * however that came about.
 *
 * @param locks `undefined` where the page has none, because it does not come from a secure context
 * @param released is called when the path is given up
 * @throws {LacunaError} `LOCKED` if somebody else owns the path, `STORAGE` without Web Locks
 */
export async function webLock(
  path: string,
  locks: LockManager | undefined,
  released: () => void,
): Promise<PathLock> {
  if (locks === undefined) {
    throw new LacunaError(
      "STORAGE",
      "durable storage needs Web Locks, which pages have that come by https:// or from localhost",
      { path },
    );
  }
  const name = `lacuna:${path}`;
  return new Promise<PathLock>((resolve, reject) => {
    const held = locks.request(name, { ifAvailable: true }, async (lock) => {
      if (lock === null) {
        reject(
          new LacunaError("LOCKED", "only one can own the path, and another tab or worker has it open", {
            path,
          }),
        );
        return;
      }
      await new Promise<void>((letGo) => {
        resolve({
          async release() {
            letGo();
            await held.catch(() => {});
            released();
          },
        });
      });
    });
    held.catch((cause: unknown) => {
      const reason = cause instanceof Error ? cause.message : String(cause);
      reject(new LacunaError("STORAGE", `the browser refused a lock: ${reason}`, { path, cause }));
    });
  });
}
