/** Remembers, across awaits, inside of which call some code runs. */
export interface CallContext<T> {
  run<R>(value: T, body: () => R): R;
  /** The value of the innermost call around the caller. */
  current(): T | undefined;
}

/** @returns `undefined` where the runtime has nothing for it: browsers so far */
export function callContext<T>(): CallContext<T> | undefined {
  if (typeof process === "undefined" || typeof process.getBuiltinModule !== "function") return undefined;
  const hooks = process.getBuiltinModule("node:async_hooks");
  if (hooks === undefined) return undefined;
  const storage = new hooks.AsyncLocalStorage<T>();
  return { run: (value, body) => storage.run(value, body), current: () => storage.getStore() };
}
