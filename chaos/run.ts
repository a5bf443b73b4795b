/**
 * `npm run chaos`: the zero-loss test in its long form, or with `--short` in that of CI. `--seconds`
 * of faults (120), `--seed` (another one each time), `--seeds` how many runs, with the seeds that
 * follow (1), `--rate` messages a second (120), `--keep` the project's folder with the logs also of
 * a run without a violation. Exit 1 if any run finds one.
 */
import { parseArgs } from "node:util";
import { runChaos } from "./chaos.ts";
import { now } from "./clock.ts";
import { longForm, shortForm } from "./forms.ts";

const { values } = parseArgs({
  options: {
    keep: { type: "boolean", default: false },
    short: { type: "boolean", default: false },
    seconds: { type: "string", default: "120" },
    seed: { type: "string", default: String(Math.floor(now()) % 1_000_000) },
    seeds: { type: "string", default: "1" },
    rate: { type: "string", default: "120" },
  },
});
const whole = (text: string) => {
  if (!/^\d+$/.test(text)) throw new Error(`"${text}" is no whole number`);
  return Number(text);
};
const [seconds, rate, first] = [whole(values.seconds), whole(values.rate), whole(values.seed)];

// Ends what it has started as well.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));

let failures = 0;
for (let seed = first; seed < first + whole(values.seeds); seed++) {
  const begin = now();
  const note = (text: string) =>
    console.error(`${((now() - begin) / 1_000).toFixed(1).padStart(6)} s  ${text}`);
  const form = values.short ? shortForm(seed) : longForm(seed, { seconds, rate });
  const { isPass, text } = await runChaos({ ...form, keep: values.keep, note });
  console.log(text);
  if (!isPass) failures += 1;
}
process.exitCode = failures === 0 ? 0 : 1;
