/** One mention of a module in a source file. */
export interface ImportSite {
  readonly specifier: string;
  /** From 1. */
  readonly line: number;
  /** `type`: erased when compiled; `value`: loaded with the file; `dynamic`: loaded when the code gets there. */
  readonly kind: "value" | "type" | "dynamic";
}

const STATIC = /(?<![.\w$])(?:import|export)\s+(type\s+(?!from\b))?(?:[\w$*\s{},]*?\bfrom\s*)?(?=["'])/g;
const DYNAMIC = /(?<![.\w$])(typeof\s+)?import\s*\(\s*(?=["'])/g;
// After these a slash begins a regular expression, not a division.
const BEFORE_REGEX = /(?:^|[(,=:[!&|?{};+\-*%<>~^]|\b(?:return|typeof|case|in|of|await|yield))\s*$/;

/** The modules a TypeScript source mentions with a literal name. Comments and strings do not count. */
export function scanImports(source: string): ImportSite[] {
  const { code, strings } = maskText(source);
  const sites: ImportSite[] = [];
  const collect = (pattern: RegExp, kindOf: (marked: boolean) => ImportSite["kind"]): void => {
    for (const match of code.matchAll(pattern)) {
      const specifier = strings.get(match.index + match[0].length);
      if (specifier === undefined) continue;
      const line = source.slice(0, match.index).split("\n").length;
      sites.push({ specifier, line, kind: kindOf(match[1] !== undefined) });
    }
  };
  collect(STATIC, (type) => (type ? "type" : "value"));
  collect(DYNAMIC, (type) => (type ? "type" : "dynamic"));
  return sites.sort((a, b) => a.line - b.line);
}

/** The source with comments, regular expressions and what strings hold made blank, and the strings by offset. */
function maskText(source: string): { code: string; strings: Map<number, string> } {
  const strings = new Map<number, string>();
  // What is open around the current position: a template's text, or braces of code inside it.
  const open: ("template" | "braces")[] = [];
  let code = "";
  let at = 0;
  const blank = (end: number): void => {
    code += source.slice(at, end).replace(/[^\n]/g, " ");
    at = end;
  };
  while (at < source.length) {
    const char = source[at] ?? "";
    if (open.at(-1) === "template") {
      if (char === "\\") blank(at + 2);
      else if (char === "`") {
        open.pop();
        blank(at + 1);
      } else if (source.startsWith("${", at)) {
        open.push("braces");
        blank(at + 2);
      } else blank(at + 1);
    } else if (source.startsWith("//", at)) blank(endOf(source.indexOf("\n", at), source));
    else if (source.startsWith("/*", at)) blank(endOf(source.indexOf("*/", at + 2), source, 2));
    else if (char === '"' || char === "'") {
      const end = endOfQuoted(source, at, char);
      strings.set(at, source.slice(at + 1, end - 1));
      code += char;
      at++;
      blank(end - 1);
      code += char;
      at = end;
    } else if (char === "`") {
      open.push("template");
      blank(at + 1);
    } else if (char === "/" && BEFORE_REGEX.test(code.slice(-40))) blank(endOfRegex(source, at));
    else {
      if (open.length > 0 && char === "{") open.push("braces");
      if (open.length > 0 && char === "}") open.pop();
      code += char;
      at++;
    }
  }
  return { code, strings };
}

const endOf = (found: number, source: string, length = 0): number =>
  found === -1 ? source.length : found + length;

function endOfQuoted(source: string, start: number, quote: string): number {
  for (let at = start + 1; at < source.length; at++) {
    if (source[at] === "\\") at++;
    else if (source[at] === quote) return at + 1;
  }
  return source.length;
}

function endOfRegex(source: string, start: number): number {
  let inClass = false;
  for (let at = start + 1; at < source.length; at++) {
    const char = source[at];
    if (char === "\\") at++;
    else if (char === "[") inClass = true;
    else if (char === "]") inClass = false;
    else if (char === "\n" || (char === "/" && !inClass)) return at + 1;
  }
  return source.length;
}
