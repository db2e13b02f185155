import type { ByteFile, PageStore } from "@lacuna/page";

/** A store that outlives its owners: what one leaves behind, however it ends, the next one finds. */
export class KeptStore {
  readonly #store: PageStore;
  #files: ByteFile[] = [];
  #revoke = (): void => {};

  constructor(store: PageStore) {
    this.#store = store;
  }

  /** The store for its next owner. What the one before it still tries to do fails. */
  async next(): Promise<PageStore> {
    this.#revoke();
    for (const file of this.#files.splice(0)) await file.close();
    const files = this.#files;
    const close = async (): Promise<void> => {
      for (const file of files.splice(0)) await file.close();
    };
    const { proxy, revoke } = Proxy.revocable(this.#store, {
      get(store, name) {
        if (name === "close") return close;
        const value: unknown = Reflect.get(store, name);
        if (typeof value !== "function") return value;
        if (name !== "openFile") return value.bind(store);
        return async (...given: Parameters<PageStore["openFile"]>) => {
          const file = await store.openFile(...given);
          files.push(file);
          return file;
        };
      },
    });
    this.#revoke = revoke;
    return proxy;
  }
}
