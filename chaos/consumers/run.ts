/**
 * `npm run chaos:consumers`: messages whose handlers throw, hang and end their thread, over classic
 * and quorum queues, and an account of each. `--messages` (100000), `--types` of queues
 * (classic,quorum), `--block` seconds for which the broker takes no messages (30; 0: it always does),
 * `--seed` (another one each time), `--keep` the project's folder also of a run without a violation.
 * Exit 1 if there is one.
 */
import { parseArgs } from "node:util";
import { now } from "../clock.ts";
import { QUEUES, type QueueType } from "./plan.ts";
import { runTrial } from "./trial.ts";

const { values } = parseArgs({
  options: {
    messages: { type: "string", default: "100000" },
    types: { type: "string", default: Object.keys(QUEUES).join(",") },
    block: { type: "string", default: "30" },
    seed: { type: "string", default: String(Math.floor(now()) % 1_000_000) },
    keep: { type: "boolean", default: false },
  },
});
const whole = (text: string) => {
  if (!/^\d+$/.test(text)) throw new Error(`"${text}" is no whole number`);
  return Number(text);
};
const typeOf = (text: string): QueueType => {
  if (text === "classic" || text === "quorum") return text;
  throw new Error(`"${text}" is no type of queue: classic or quorum`);
};

// Ends what it has started as well.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));

const begin = now();
const { isPass, text } = await runTrial({
  seed: whole(values.seed),
  messages: whole(values.messages),
  types: values.types.split(",").map(typeOf),
  blockSeconds: whole(values.block),
  keep: values.keep,
  note: (line) => console.error(`${((now() - begin) / 1_000).toFixed(1).padStart(6)} s  ${line}`),
});
console.log(text);
process.exitCode = isPass ? 0 : 1;
