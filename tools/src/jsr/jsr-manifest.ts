/** What of a package.json says how the package is imported. */
export interface NpmManifest {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly exports: Readonly<Record<string, Target>>;
  readonly imports?: Readonly<Record<string, Target>>;
  readonly dependencies?: Readonly<Record<string, string>>;
}

/** A file, or files by condition. */
type Target = string | { readonly [condition: string]: Target };

/** A `jsr.json`: the entries are sources, for Deno has no conditions and takes TypeScript as it is. */
export interface JsrManifest {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly exports: Readonly<Record<string, string>>;
  readonly imports?: Readonly<Record<string, string>>;
  readonly publish: { readonly include: readonly string[] };
}

/** Folders of `packages/` that stay away from JSR: a command, and tests for a runner that Deno does not have. */
export const NOT_ON_JSR: ReadonlySet<string> = new Set(["cli", "testkit"]);

/**
 * The `jsr.json` that belongs to a package.json. Names have a scope there: `lacuna` is `@lacuna/lacuna`.
 * @param versions of packages from elsewhere, by name
 * @throws if an entry has no source, or a dependency no version
 */
export function jsrManifest(npm: NpmManifest, versions: ReadonlyMap<string, string>): JsrManifest {
  const imports = [
    ...Object.entries(npm.dependencies ?? {}).map(([name, range]) => {
      if (range === "workspace:*") return [name, `jsr:${scoped(name)}@^${npm.version}`];
      const version = versions.get(name);
      if (version === undefined) throw new Error(`${npm.name}: no version of ${name} is known`);
      return [name, `npm:${name}@${version}`];
    }),
    ...Object.entries(npm.imports ?? {}).map(([name, target]) => [name, source(target)]),
  ];
  return {
    name: scoped(npm.name),
    version: npm.version,
    license: npm.license,
    exports: Object.fromEntries(
      Object.entries(npm.exports)
        .filter(([entry]) => entry !== "./package.json")
        .map(([entry, target]) => [entry, source(target)]),
    ),
    ...(imports.length > 0 ? { imports: Object.fromEntries(imports) } : {}),
    publish: { include: ["src", "README.md"] },
  };
}

const scoped = (name: string): string => (name.startsWith("@") ? name : `@lacuna/${name}`);

/** The source behind a target, as Deno sees it: it is like Node, and no browser. */
function source(target: Target): string {
  if (typeof target === "object") {
    const inner = target["lacuna-source"] ?? target["node"] ?? target["default"];
    if (inner !== undefined) return source(inner);
  } else if (target.startsWith("./src/")) return target;
  throw new Error(`${JSON.stringify(target)} names no source`);
}
