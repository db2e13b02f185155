import { lowerCase, type TableFacts } from "./schema-facts.ts";
import type { StatementEffects } from "./statement-effects.ts";

/**
 * Tells where a session has to end and another to begin. A session merges all that happens to one key: a row that is put
 * in the place of another one is to it an update of that one, and what was not changed by it is not recorded. So rows that
 * may be put over others are recorded apart from those that are changed where they are.
 */
export class SessionCuts {
  /** How the rows came that were recorded: put by INSERT where there may have been others, or changed where they are. */
  #manner: "puts" | "changes" | undefined;
  /** Tables whose rows may have left their place, and how. */
  readonly #vacated = new Map<string, "deleted" | "moved">();

  /** True if rows that are recorded as updated were put in the place of others, unless triggers changed them. */
  get puts(): boolean {
    return this.#manner === "puts";
  }

  /** Whether what was recorded has to be kept apart from what a statement is about to do. */
  separates(effects: StatementEffects, moved: ReadonlySet<string>, replaces: boolean): boolean {
    const manner = mannerOf(effects, replaces);
    if (manner !== undefined && this.#manner !== undefined && manner !== this.#manner) return true;
    for (const name of effects.inserts) if (this.#vacated.has(lowerCase(name))) return true;
    // Not after a move: programs that set the key to what it is are common.
    for (const name of moved) if (this.#vacated.get(lowerCase(name)) === "deleted") return true;
    return false;
  }

  /** The statement is recorded. @param moved tables of which it sets the key of rows */
  add(effects: StatementEffects, moved: ReadonlySet<string>, replaces: boolean): void {
    this.#manner ??= mannerOf(effects, replaces);
    const vacate = (name: string, how: "deleted" | "moved"): void => {
      const place = lowerCase(name);
      if (this.#vacated.get(place) !== "deleted") this.#vacated.set(place, how);
    };
    for (const name of effects.deletes) vacate(name, "deleted");
    // UPDATE OR REPLACE deletes without saying so.
    if (effects.replaces && effects.inserts.size === 0)
      for (const name of effects.targets) vacate(name, "deleted");
    for (const name of moved) vacate(name, "moved");
  }

  reset(): void {
    this.#manner = undefined;
    this.#vacated.clear();
  }
}

/** `undefined` of an INSERT that only adds rows. */
function mannerOf(effects: StatementEffects, replaces: boolean): "puts" | "changes" | undefined {
  if (effects.inserts.size === 0) return "changes";
  if (effects.replaces || replaces) return "puts";
  for (const name of effects.inserts) if (effects.sets.has(name)) return "puts";
  return undefined;
}

/** Whether a statement sets the key of rows of a table. */
export function setsKey({ sets }: StatementEffects, { name, columns, keys }: TableFacts): boolean {
  const set = sets.get(name);
  if (set === undefined) return false;
  return set.has("ROWID") || columns.some((column, at) => (keys[at] ?? 0) > 0 && set.has(column));
}
