/**
 * `npm run bench`: compares within one run, on one broker, and prints one JSON object a line.
 * `--short` takes fewer messages and rounds. Its own notes go to stderr.
 */
import { parseArgs } from "node:util";
import { openBroker } from "../test/support/broker.ts";
import { createVhost, deleteVhost } from "../test/support/vhost.ts";
import { benchConsume } from "./consume.ts";
import type { Measurement } from "./measure.ts";
import { benchRecovery } from "./recovery.ts";
import { benchReload, benchReloadMemory, benchWorkerRestart } from "./reload.ts";
import { benchStart } from "./start.ts";

const { values } = parseArgs({ options: { short: { type: "boolean", default: false } } });
const size = values.short
  ? { messages: 3_000, rounds: 9, starts: 1, recoveries: 1, saves: 1, reloads: 30, deaths: 3 }
  : { messages: 20_000, rounds: 7, starts: 5, recoveries: 9, saves: 9, reloads: 100, deaths: 9 };

const print = (measurement: Measurement) => console.log(JSON.stringify(measurement));

const { broker, shown, close } = await openBroker();
try {
  console.error(`bench runs against ${shown}, Node ${process.version}`);
  const { vhost, observer } = await createVhost(broker);
  try {
    print(await benchConsume(vhost, "classic", size));
    print(await benchConsume(vhost, "quorum", size));
    print(await benchStart(vhost, { rounds: size.starts }));
    print(await benchRecovery(vhost, { rounds: size.recoveries }));
    print(await benchReload(vhost, "source", { rounds: size.saves }));
    print(await benchReload(vhost, "dist", { rounds: size.saves }));
    print(await benchReloadMemory(vhost, { reloads: size.reloads }));
    print(await benchWorkerRestart(vhost, { rounds: size.deaths }));
  } finally {
    await observer.close();
    await deleteVhost(vhost);
  }
} finally {
  await close();
}
