/**
 * `npm run chaos:replace`: replaces a queue of each type by one of each type, kills the process that
 * does it after each step, and a second time anywhere, and accounts for every message. `--messages`
 * in the queue before (10000), `--rate` published a second meanwhile (200), `--pairs` of the types
 * (c2c,c2q,q2q,q2c), `--kills` anywhere (10). Exit 1 if any is lost.
 */
import { parseArgs } from "node:util";
import { startNode } from "../../test/support/node.ts";
import { createVhost, deleteVhost } from "../../test/support/vhost.ts";
import { now } from "../clock.ts";
import { type Account, PAIRS, tellStory } from "./story.ts";

const { values } = parseArgs({
  options: {
    messages: { type: "string", default: "10000" },
    rate: { type: "string", default: "200" },
    pairs: { type: "string", default: Object.keys(PAIRS).join(",") },
    kills: { type: "string", default: "10" },
  },
});
const whole = (text: string) => {
  if (!/^\d+$/.test(text)) throw new Error(`"${text}" is no whole number`);
  return Number(text);
};
const isPair = (text: string): text is keyof typeof PAIRS => text in PAIRS;

// Ends what it has started as well.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));

const begin = now();
const note = (text: string) =>
  console.error(`${((now() - begin) / 1_000).toFixed(1).padStart(6)} s  ${text}`);
const node = await startNode({ name: "warren-replace" });
const broker = { amqpUrl: node.amqpUrl, managementUrl: node.managementUrl };
console.log(`RabbitMQ ${node.version}`);
let failures = 0;
try {
  for (const pair of values.pairs.split(",").filter(isPair)) {
    for (const kills of ["steps", whole(values.kills)] as const) {
      const { vhost, observer } = await createVhost(broker);
      const [messages, rate] = [whole(values.messages), whole(values.rate)];
      const startedAt = now();
      const account = await tellStory({ vhost, pair, messages, rate, kills, note });
      const left = await observer.queueCounts("work~migrating");
      await observer.close();
      await deleteVhost(vhost);
      const isGood = isRight(account) && left === undefined;
      if (!isGood) failures += 1;
      const seconds = ((now() - startedAt) / 1_000).toFixed(0);
      const where = kills === "steps" ? "after each step" : "anywhere";
      console.log(
        `${isGood ? "PASS" : "FAIL"}  ${pair}  ${describe(account, where)}  ${seconds} s`,
      );
    }
  }
} finally {
  await node.stop();
}
process.exitCode = failures === 0 ? 0 : 1;

function isRight({ lost, failed, pending }: Account): boolean {
  return lost.length === 0 && failed.length === 0 && pending === "";
}

function describe(account: Account, where: string): string {
  const { kills, confirmed, lost, failed, duplicates, said } = account;
  const trouble = failed.length > 0 ? `, ${failed.length} returned or refused` : "";
  return (
    `${kills} kills ${where}: ${confirmed} confirmed, ${lost.length} lost, ` +
    `${duplicates} handled twice${trouble}; apply said "${said}"`
  );
}
