/** The long run of the mutation fuzzer: `pnpm --filter @lacuna/btree fuzz [cases] [seed]`. */
import { fuzz } from "./mutation.ts";

const cases = Number(process.argv[2] ?? 200_000);
const seed = Number(process.argv[3] ?? 1);
const start = performance.now();
const step = 10_000;
let slowest = 0;
for (let done = 0; done < cases; done += step) {
  slowest = Math.max(slowest, fuzz(Math.min(step, cases - done), seed + done).slowest);
  const seconds = Math.round((performance.now() - start) / 1000);
  console.log(
    `${Math.min(cases, done + step)} cases in ${seconds} s, the slowest took ${Math.round(slowest)} ms`,
  );
}
process.exitCode = slowest < 1000 ? 0 : 1;
