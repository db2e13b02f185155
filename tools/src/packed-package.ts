/** What of a package.json says how the package is used once it is installed. */
export interface PackedManifest {
  readonly name: string;
  readonly private?: boolean;
  readonly exports?: Readonly<Record<string, unknown>>;
  readonly bin?: Readonly<Record<string, string>>;
  /** The files that do something by being imported; false for none. */
  readonly sideEffects?: false | readonly string[];
}

export interface PackedEntry {
  /** What one writes after `from`. */
  readonly specifier: string;
  /** The files it promises, from the package's folder: what runs and its types. */
  readonly files: readonly string[];
  /** The script of a worker: it is run, not imported for its names. */
  readonly script: boolean;
}

/**
 * The entries of a package that programs import. A file that is also a command is not among them, for importing it
 * would run it; neither are package.json and sources, which stay at home.
 */
export function importedEntries({
  name,
  exports = {},
  bin = {},
  sideEffects,
}: PackedManifest): PackedEntry[] {
  const commands = new Set(Object.values(bin));
  const scripts = new Set(sideEffects === false ? [] : sideEffects);
  return Object.entries(exports).flatMap(([subpath, target]) => {
    const files = [...new Set(publishedFiles(target))];
    const importable =
      files.some((file) => /\.[cm]?js$/.test(file)) && !files.some((file) => commands.has(file));
    const script = files.some((file) => scripts.has(file));
    return importable ? [{ specifier: name + subpath.slice(1), files, script }] : [];
  });
}

function publishedFiles(target: unknown): string[] {
  if (typeof target === "string") return [target];
  if (typeof target !== "object" || target === null) return [];
  return Object.entries(target).flatMap(([condition, inner]) =>
    condition === "lacuna-source" ? [] : publishedFiles(inner),
  );
}
