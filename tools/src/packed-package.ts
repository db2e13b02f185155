/** What of a package.json says how the package is used once it is installed. */
export interface PackedManifest {
  readonly name: string;
  readonly private?: boolean;
  readonly exports?: Readonly<Record<string, unknown>>;
  readonly bin?: Readonly<Record<string, string>>;
}

export interface PackedEntry {
  /** What one writes after `from`. */
  readonly specifier: string;
  /** The files it promises, from the package's folder: what runs and its types. */
  readonly files: readonly string[];
}

/**
 * The entries of a package that programs import. A file that is also a command is not among them, for importing it
 * would run it; neither are package.json and sources, which stay at home.
 */
export function importedEntries({ name, exports = {}, bin = {} }: PackedManifest): PackedEntry[] {
  const commands = new Set(Object.values(bin));
  return Object.entries(exports).flatMap(([subpath, target]) => {
    const files = [...new Set(publishedFiles(target))];
    const importable =
      files.some((file) => /\.[cm]?js$/.test(file)) && !files.some((file) => commands.has(file));
    return importable ? [{ specifier: name + subpath.slice(1), files }] : [];
  });
}

function publishedFiles(target: unknown): string[] {
  if (typeof target === "string") return [target];
  if (typeof target !== "object" || target === null) return [];
  return Object.entries(target).flatMap(([condition, inner]) =>
    condition === "lacuna-source" ? [] : publishedFiles(inner),
  );
}
