/**
 * SQLite's WebAssembly as a script carries it, for bundlers that leave files behind. The build puts the bytes in place of
 * this module; sources have none.
 */
export async function carriedWasm(): Promise<Uint8Array<ArrayBuffer>> {
  throw new Error("the sources of this package do not carry SQLite's WebAssembly");
}
