import { describe, expect, it } from "vitest";
import type { Operation } from "./model-operations.ts";
import { type Row, shownState } from "./model-state.ts";
import { TursoActor } from "./turso-actor.ts";
import { World } from "./world.ts";

/** A world, and for each of its tables with a key a row that it holds, or does not. */
async function worldWithRows(isThere: boolean): Promise<{ world: World; rows: Map<string, Row> }> {
  const world = await World.make(1, { isPlain: true });
  const keyed = [...world.state.tables.values()].filter(({ key }) => key.length > 0);
  const rows = new Map(keyed.map((table) => [table.name, world.work.row(table)]));
  world.write(isThere ? putting(rows, "upsert") : taking(rows));
  return { world, rows };
}

const putting = (rows: ReadonlyMap<string, Row>, kind: "insert" | "upsert" | "replace"): Operation[] =>
  [...rows].map(([table, row]) => ({ kind, table, row }));

const taking = (rows: ReadonlyMap<string, Row>): Operation[] =>
  [...rows].map(([table, row]) => ({ kind: "delete", table, rows: [row] }));

/** Adds a column to each table, and puts rows of those keys into it with values of their own. */
function addColumn(world: World, rows: ReadonlyMap<string, Row>, name: string): void {
  const column = { name, type: "", initial: "'initial'" } as const;
  world.write([...rows.keys()].map((table) => ({ kind: "add-column", table, column })));
  const others = [...rows].flatMap(([name, row]): [string, Row][] => {
    const table = world.state.tables.get(name);
    if (table === undefined) return [];
    const key = Object.fromEntries(table.key.map((column) => [column, row[column] ?? "NULL"]));
    return [[name, { ...world.work.row(table), ...key }]];
  });
  world.write(putting(new Map(others), "replace"));
}

// That client exists for files on Linux only; elsewhere this shows up as skipped.
describe.skipIf(process.platform !== "linux")("an unmodified client of another make", () => {
  for (const kind of ["insert", "upsert"] as const) {
    for (const isThere of [true, false]) {
      for (const isPulledAgain of [true, false]) {
        const meanwhile = isThere ? "put" : "taken away";
        const when = isPulledAgain ? "after another pull" : "at once";
        it(`pushes what the model says of an ${kind} of rows that were ${meanwhile} meanwhile, ${when}`, async () => {
          const { world, rows } = await worldWithRows(kind === "upsert");
          const client = await TursoActor.open(world, "turso");
          await client.write(() => putting(rows, kind));
          addColumn(world, rows, "added");
          if (!isThere) world.write(taking(rows));
          await client.pullAll();
          await client.check();
          addColumn(world, rows, "too");
          if (isPulledAgain) {
            await client.pullAll();
            await client.check();
          }
          await client.pushAll();
          expect(await world.shownRemote()).toEqual(shownState(world.state));
          await client.close();
        });
      }
    }
  }
});
