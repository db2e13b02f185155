import { LacunaError } from "@lacuna/page";

/** Where SQLite's WebAssembly comes from: compiled, as bytes, or by address or answer of a fetch. */
export type WasmSource = WebAssembly.Module | BufferSource | URL | Response;

const WASM_SPECIFIER = "@sqlite.org/sqlite-wasm/sqlite3.wasm";

let shared: Promise<WebAssembly.Module> | undefined;

/**
 * Compiles SQLite. Without a source the file of the installed `@sqlite.org/sqlite-wasm` is compiled, once for the whole
 * program: Node, Deno and Bun find it themselves, except that Deno takes the copy which this package carries as a script where
 * the package is not a file, as from JSR. A browser takes the copy beside this module, where bundlers and hosts
 * bring it along; else what an import map has for `@sqlite.org/sqlite-wasm/sqlite3.wasm`; else the copy that this package
 * carries as a script.
 *
 * @throws {LacunaError} `INVALID_OPTION` if there is no such file here or the source does not compile; `NOT_SUPPORTED` if
 *   the content security policy of the page forbids WebAssembly
 */
export function loadWasm(source?: WasmSource): Promise<WebAssembly.Module> {
  if (source !== undefined) return compile(() => compileSource(source));
  if (shared === undefined) {
    const loading = compile(compileInstalled);
    // A failure is not kept: the next caller tries again.
    loading.catch(() => {
      shared = undefined;
    });
    shared = loading;
  }
  return shared;
}

async function compile(start: () => Promise<WebAssembly.Module>): Promise<WebAssembly.Module> {
  try {
    return await start();
  } catch (cause) {
    if (isForbidden(cause)) {
      throw new LacunaError(
        "NOT_SUPPORTED",
        "the content security policy of this page forbids WebAssembly; allow 'wasm-unsafe-eval' in script-src, " +
          "or read without SQL, with open() of lacuna/reader",
        { cause },
      );
    }
    throw new LacunaError(
      "INVALID_OPTION",
      `SQLite's WebAssembly could not be loaded; pass the file "${WASM_SPECIFIER}" as the option "wasm"`,
      { cause },
    );
  }
}

function isForbidden(cause: unknown): boolean {
  return cause instanceof WebAssembly.CompileError && /content security policy/i.test(cause.message);
}

async function compileSource(source: WasmSource): Promise<WebAssembly.Module> {
  if (source instanceof WebAssembly.Module) return source;
  if (source instanceof URL) return compileAddress(source);
  if (source instanceof Response) return WebAssembly.compile(await source.arrayBuffer());
  return WebAssembly.compile(source);
}

async function compileAddress(address: URL): Promise<WebAssembly.Module> {
  const node = nodeModules();
  if (address.protocol === "file:" && node !== undefined) {
    return WebAssembly.compile(new Uint8Array(node.fs.readFileSync(address)));
  }
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${address.href} answers ${answer.status}`);
  return WebAssembly.compile(await answer.arrayBuffer());
}

async function compileInstalled(): Promise<WebAssembly.Module> {
  const node = nodeModules();
  if (node === undefined) return compileForBrowser();
  // Deno runs modules from an address too, where nothing is installed beside them.
  if (!import.meta.url.startsWith("file:")) return compileCarried();
  const path = node.module.createRequire(import.meta.url).resolve(WASM_SPECIFIER);
  return WebAssembly.compile(new Uint8Array(node.fs.readFileSync(path)));
}

/** A host without the file may answer with a page of its own, which does not compile: then the next place is tried. */
async function compileForBrowser(): Promise<WebAssembly.Module> {
  const places = [
    () => compileAddress(new URL("./sqlite3.wasm", import.meta.url)),
    () => compileAddress(new URL(import.meta.resolve(WASM_SPECIFIER))),
  ];
  for (const compilePlace of places) {
    try {
      return await compilePlace();
    } catch (error) {
      if (isForbidden(error)) throw error;
    }
  }
  return compileCarried();
}

async function compileCarried(): Promise<WebAssembly.Module> {
  const { carriedWasm } = await import("./carried-wasm.ts");
  return WebAssembly.compile(await carriedWasm());
}

/** Node's modules without importing them, so that the same file loads in a browser. */
function nodeModules(): { fs: typeof import("node:fs"); module: typeof import("node:module") } | undefined {
  if (typeof process === "undefined" || typeof process.getBuiltinModule !== "function") return undefined;
  return { fs: process.getBuiltinModule("node:fs"), module: process.getBuiltinModule("node:module") };
}
