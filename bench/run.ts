/**
 * `npm run bench`: compares within one run, on one broker, and prints one JSON object a line.
 * `--short` takes few messages and one round, which shows that it works and no more. Its own notes go to stderr.
 */
import { parseArgs } from "node:util";
import { openRabbitmq } from "../test/support/broker.ts";
import { createVhost, deleteVhost, type Vhost } from "../test/support/vhost.ts";
import { benchApply, benchCheck } from "./apply.ts";
import { benchConsume } from "./consume.ts";
import { benchEmbedded, benchEmbeddedStart } from "./embedded.ts";
import { benchGenerate } from "./generate.ts";
import { benchMemory, benchRedis } from "./idempotency.ts";
import type { Measurement } from "./measure.ts";
import { benchOptionCost, optionNames } from "./options.ts";
import { benchPoison } from "./poison.ts";
import { benchRecovery } from "./recovery.ts";
import { benchReload, benchReloadMemory, benchWorkerRestart } from "./reload.ts";
import { benchRpc } from "./rpc.ts";
import { benchStart } from "./start.ts";
import { benchValidation } from "./validation.ts";

const { values } = parseArgs({ options: { short: { type: "boolean", default: false } } });
const size = values.short
  ? {
      messages: 2_000,
      poisoned: 1_000,
      rounds: 1,
      starts: 1,
      recoveries: 1,
      saves: 1,
      reloads: 12,
      deaths: 1,
      applies: 1,
      queues: 200,
      generations: 1,
      checks: 1_000,
    }
  : {
      messages: 20_000,
      poisoned: 5_000,
      rounds: 7,
      starts: 5,
      recoveries: 9,
      saves: 9,
      reloads: 100,
      deaths: 9,
      applies: 5,
      queues: 1_000,
      generations: 3,
      checks: 20_000,
    };

/** Each has a virtual host of its own: one's exchanges are not those of another. */
async function run(bench: (vhost: Vhost) => Promise<Measurement>): Promise<void> {
  const { vhost, observer } = await createVhost(broker);
  try {
    console.log(JSON.stringify(await bench(vhost)));
  } finally {
    await observer.close();
    await deleteVhost(vhost);
  }
}

const { broker, shown, close } = await openRabbitmq();
try {
  console.error(`bench runs against ${shown}, Node ${process.version}`);
  await run((vhost) => benchConsume(vhost, "classic", size));
  await run((vhost) => benchConsume(vhost, "quorum", size));
  await run((vhost) => benchMemory(vhost, size));
  await run((vhost) => benchRedis(vhost, size));
  for (const name of values.short ? [] : optionNames) {
    await run((vhost) => benchOptionCost(vhost, name, size));
  }
  await run((vhost) => benchPoison(vhost, { messages: size.poisoned, rounds: size.rounds }));
  await run((vhost) => benchRpc(vhost, { calls: size.messages, rounds: size.rounds }));
  await run((vhost) => benchStart(vhost, { rounds: size.starts }));
  await run((vhost) => benchRecovery(vhost, { rounds: size.recoveries }));
  await run((vhost) => benchReload(vhost, "source", { rounds: size.saves }));
  await run((vhost) => benchReload(vhost, "dist", { rounds: size.saves }));
  await run((vhost) => benchReloadMemory(vhost, { reloads: size.reloads }));
  await run((vhost) => benchWorkerRestart(vhost, { rounds: size.deaths }));
  await run((vhost) => benchEmbedded(vhost, size));
  for (const one of await benchApply(broker, size)) console.log(JSON.stringify(one));
  console.log(JSON.stringify(await benchCheck(size)));
  console.log(JSON.stringify(await benchGenerate({ rounds: size.generations })));
  for (const one of await benchValidation(size)) console.log(JSON.stringify(one));
  for (const one of await benchEmbeddedStart({ rounds: size.starts })) {
    console.log(JSON.stringify(one));
  }
} finally {
  await close();
}
