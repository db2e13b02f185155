/** True if IndexedDB has a replica of that path. False also where it cannot be asked. */
export async function hasIndexedDbReplica(path: string): Promise<boolean> {
  try {
    const databases = await indexedDB.databases();
    return databases.some(({ name }) => name === `lacuna:${path}`);
  } catch {
    return false;
  }
}

/** True if the origin private file system has a replica of that path. False also where there is no such file system. */
export async function hasOpfsReplica(path: string): Promise<boolean> {
  try {
    const names = `${path}-info`.split("/").filter((name) => name !== "" && name !== ".");
    const last = names.pop() ?? "";
    let directory = await navigator.storage.getDirectory();
    for (const name of names) directory = await directory.getDirectoryHandle(name);
    await directory.getFileHandle(last);
    return true;
  } catch {
    return false;
  }
}
