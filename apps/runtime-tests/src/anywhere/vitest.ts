/**
 * The part of vitest that the suites use, for runtimes where vitest itself does not run. Bundles take this module in its
 * place, so that the same files are tests here and there.
 */
import {
  ASYMMETRIC_MATCHERS_OBJECT,
  customMatchers,
  type ExpectStatic,
  GLOBAL_EXPECT,
  getState,
  JestAsymmetricMatchers,
  JestChaiExpect,
  JestExtend,
  setState,
} from "@vitest/expect";
import * as chai from "chai";

type Work = () => unknown;

interface Test {
  readonly name: string;
  readonly run: Work;
  readonly group: Group;
}

class Group {
  readonly name: string;
  readonly parent: Group | undefined;
  readonly before: Work[] = [];
  readonly after: Work[] = [];
  readonly beforeEach: Work[] = [];
  readonly afterEach: Work[] = [];

  constructor(name: string, parent: Group | undefined) {
    this.name = name;
    this.parent = parent;
  }

  /** From the outermost group to this one. */
  get chain(): Group[] {
    return this.parent === undefined ? [this] : [...this.parent.chain, this];
  }
}

const top = new Group("", undefined);
const tests: Test[] = [];
let group = top;
let finishing: Work[] = [];

export function describe(name: string, define: () => void): void {
  const outer = group;
  group = new Group(name, outer);
  try {
    define();
  } finally {
    group = outer;
  }
}

export function it(name: string, run: Work): void {
  tests.push({ name, run, group });
}
const titled = (name: string, given: unknown): string => name.replace("%s", String(given));
it.each =
  <T>(cases: readonly T[]) =>
  (name: string, run: (given: T) => unknown): void => {
    for (const given of cases) it(titled(name, given), () => run(given));
  };
describe.each =
  <T>(cases: readonly T[]) =>
  (name: string, define: (given: T) => void): void => {
    for (const given of cases) describe(titled(name, given), () => define(given));
  };

export const beforeAll = (work: Work): void => void group.before.push(work);
export const afterAll = (work: Work): void => void group.after.push(work);
export const beforeEach = (work: Work): void => void group.beforeEach.push(work);
export const afterEach = (work: Work): void => void group.afterEach.push(work);
export const onTestFinished = (work: Work): void => void finishing.push(work);

chai.use(JestExtend);
chai.use(JestChaiExpect);
chai.use(JestAsymmetricMatchers);

const check = ((value: unknown, message?: string) => {
  setState({ assertionCalls: getState(check).assertionCalls + 1 }, check);
  return chai.expect(value, message);
}) as unknown as ExpectStatic;
Object.assign(check, chai.expect);
Object.assign(check, Reflect.get(globalThis, ASYMMETRIC_MATCHERS_OBJECT));
setState({ assertionCalls: 0 }, check);
Object.defineProperty(globalThis, GLOBAL_EXPECT, { value: check, configurable: true });
check.extend = (matchers) => (chai.expect as unknown as Extendable).extend(check, matchers);
check.extend(customMatchers);

// The suites see the types of vitest itself.
export const expect = check as unknown as typeof import("vitest").expect;

/** What `JestExtend` makes of chai's `expect`. */
interface Extendable {
  extend(expect: ExpectStatic, matchers: Parameters<ExpectStatic["extend"]>[0]): void;
}

/** How the tests of one runtime went. */
export interface Report {
  readonly passed: number;
  readonly failures: readonly { readonly name: string; readonly message: string }[];
}

const TEST_MS = 60_000;

/** Runs every test that was defined, one after the other. */
export async function runTests(): Promise<Report> {
  const failures: { name: string; message: string }[] = [];
  const begun = new Set<Group>();
  let passed = 0;
  for (const [index, { name, run, group: own }] of tests.entries()) {
    const full = [...own.chain.map((each) => each.name), name].filter((part) => part !== "").join(" > ");
    try {
      for (const each of own.chain) {
        if (begun.has(each)) continue;
        begun.add(each);
        for (const work of each.before) await work();
      }
      await withinTime(() => runOne(own, run));
      passed++;
    } catch (error) {
      failures.push({
        name: full,
        message: error instanceof Error ? (error.stack ?? error.message) : String(error),
      });
    }
    const later = new Set(tests.slice(index + 1).flatMap((each) => each.group.chain));
    for (const each of [...begun].reverse()) {
      if (later.has(each)) continue;
      begun.delete(each);
      for (const work of [...each.after].reverse()) await work();
    }
  }
  return { passed, failures };
}

async function runOne(own: Group, run: Work): Promise<void> {
  finishing = [];
  try {
    for (const each of own.chain) for (const work of each.beforeEach) await work();
    await run();
  } finally {
    for (const work of finishing.reverse()) await work();
    for (const each of [...own.chain].reverse()) for (const work of each.afterEach) await work();
  }
}

async function withinTime(run: () => Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not through within ${TEST_MS} ms`)), TEST_MS);
  });
  await Promise.race([run(), late]).finally(() => clearTimeout(timer));
}
