/**
 * Milliseconds of each run of each contestant. They take turns, so that what else the machine does hits all of them alike.
 * @param warmUps runs of each before the first that counts
 */
export async function timesInTurns<Name extends string>(
  contestants: Readonly<Record<Name, () => unknown>>,
  { runs, warmUps = 0 }: { readonly runs: number; readonly warmUps?: number },
): Promise<Record<Name, number[]>> {
  const names = Object.keys(contestants) as Name[];
  const times = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>;
  for (let run = -warmUps; run < runs; run++) {
    for (const name of names) {
      const started = performance.now();
      await contestants[name]();
      if (run >= 0) times[name].push(performance.now() - started);
    }
  }
  return times;
}
