/**
 * `npm run soak`: random operations against the embedded broker for `--minutes` (10), in rounds of a
 * minute; `--seed` (another one each time). Exit 1 for a crash, a leak, or an error that is no
 * answer to what was asked.
 */
import { parseArgs } from "node:util";
import { runSoak } from "./soak.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
  },
});
const [rounds, seed] = [Number(values.minutes), Number(values.seed)];
const begin = performance.now();
const note = (text: string) =>
  console.log(`${((performance.now() - begin) / 1_000).toFixed(0).padStart(5)} s  ${text}`);
const { operations, problems } = await runSoak({ rounds, roundSeconds: 60, seed, note });
for (const problem of problems) console.log(`problem: ${problem}`);
console.log(`${operations} operations, ${problems.length} problems`);
process.exitCode = problems.length === 0 ? 0 : 1;
