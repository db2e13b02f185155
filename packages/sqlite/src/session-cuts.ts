import { lowerCase, type TableFacts } from "./schema-facts.ts";
import type { StatementEffects } from "./statement-effects.ts";

/** What a statement does to the places of rows. Tables by their names in lower case. */
export interface Placing {
  /** `undefined` of an INSERT that only adds rows. */
  readonly manner: "puts" | "changes" | undefined;
  /** Tables it inserts rows into. */
  readonly fills: readonly string[];
  /** Tables it may delete rows of. */
  readonly empties: readonly string[];
  /** Tables of which it sets the key of rows. */
  readonly moves: readonly string[];
}

/** @param tables that it changes @param replaces whether INSERT may replace rows without saying so */
export function placingOf(
  effects: StatementEffects,
  tables: readonly TableFacts[],
  replaces: boolean,
): Placing {
  const { inserts, deletes, targets } = effects;
  // UPDATE OR REPLACE deletes without saying so.
  const empties = effects.replaces && inserts.size === 0 ? [...deletes, ...targets] : [...deletes];
  return {
    manner: mannerOf(effects, replaces),
    fills: [...inserts].map(lowerCase),
    empties: empties.map(lowerCase),
    moves: tables.filter((table) => setsKey(effects, table)).map(({ name }) => lowerCase(name)),
  };
}

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
  separates({ manner, fills, moves }: Placing): boolean {
    if (manner !== undefined && this.#manner !== undefined && manner !== this.#manner) return true;
    if (this.#vacated.size === 0) return false;
    if (fills.some((name) => this.#vacated.has(name))) return true;
    // Not after a move: programs that set the key to what it is are common.
    return moves.some((name) => this.#vacated.get(name) === "deleted");
  }

  /** The statement is recorded. */
  add({ manner, empties, moves }: Placing): void {
    this.#manner ??= manner;
    for (const name of empties) this.#vacated.set(name, "deleted");
    for (const name of moves) if (!this.#vacated.has(name)) this.#vacated.set(name, "moved");
  }

  reset(): void {
    this.#manner = undefined;
    this.#vacated.clear();
  }
}

function mannerOf(effects: StatementEffects, replaces: boolean): Placing["manner"] {
  if (effects.inserts.size === 0) return "changes";
  if (effects.replaces || replaces) return "puts";
  for (const name of effects.inserts) if (effects.sets.has(name)) return "puts";
  return undefined;
}

/** Whether a statement sets the key of rows of a table. */
function setsKey({ sets }: StatementEffects, { name, columns, keys }: TableFacts): boolean {
  const set = sets.get(name);
  if (set === undefined) return false;
  return set.has("ROWID") || columns.some((column, at) => (keys[at] ?? 0) > 0 && set.has(column));
}
