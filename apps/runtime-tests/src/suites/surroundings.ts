/** What the tests find where they run, given by whoever starts them. */
export interface Surroundings {
  /** "node", "deno", "bun", "chromium", "chromium-worker", "isolate". */
  readonly runtime: string;
  /** A sync server with the sample database, and the same file as `/sample.db` of a static host. */
  readonly server: string;
  readonly host: string;
  /** Manifests of the sample as it was published, and of one whose segments were damaged since. */
  readonly published: string;
  readonly damaged: string;
  /** A directory of this machine for files; absent where there are none. */
  readonly directory?: string | undefined;
  /** Where SQLite's WebAssembly is; absent where the packages find it by themselves. */
  readonly wasm?: string | undefined;
}

/** @throws if whoever started the tests said nothing */
export function surroundings(): Surroundings {
  const given: unknown = Reflect.get(globalThis, "lacunaSurroundings");
  if (typeof given !== "object" || given === null) throw new Error("no surroundings were given");
  return given as Surroundings;
}
