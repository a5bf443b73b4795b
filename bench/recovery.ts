import { setTimeout as delay } from "node:timers/promises";
import { openClient } from "../test/support/client.ts";
import { startProxy, type TcpProxy } from "../test/support/proxy.ts";
import { startRunner } from "../test/support/runner.ts";
import type { Vhost } from "../test/support/vhost.ts";
import { waitFor } from "../test/support/wait-for.ts";
import { type Measurement, median, rounded } from "./measure.ts";

const topology = `
defaults: { deadLetter: none, retry: none }
exchanges: { jobs: { type: fanout } }
queues:    { work: { bind: jobs, handler: work } }
`;

/** So long nobody listens: enough attempts for the pause between two of them to be the longest. */
const OUTAGE_MS = 3_000;

/**
 * Milliseconds from the moment that the broker's port accepts again to the first handled message:
 * reconnected, topology verified, consumed.
 */
export async function benchRecovery(
  vhost: Vhost,
  { rounds }: { readonly rounds: number },
): Promise<Measurement> {
  const brokerPort = Number(new URL(vhost.url).port || 5672);
  const client = await openClient(vhost.url, "bench recovery");
  let proxy: TcpProxy = await startProxy(brokerPort);
  let handledAt = Number.NaN;
  const warren = await startRunner({
    url: proxy.url(vhost.url),
    topology,
    handlers: {
      work: () => {
        handledAt = performance.now();
      },
    },
  });
  const times: number[] = [];
  try {
    for (let round = 0; round < rounds; round++) {
      handledAt = Number.NaN;
      await proxy.close();
      await client.publish("jobs", "", {});
      await delay(OUTAGE_MS);
      proxy = await startProxy(brokerPort, { listenPort: proxy.port });
      const listeningAt = performance.now();
      await waitFor(() => handledAt > listeningAt, { what: "the message", timeoutMs: 30_000 });
      times.push(handledAt - listeningAt);
    }
  } finally {
    await warren.stop();
    await client.close();
    await proxy.close();
  }
  console.error(`recovery took ${times.map(Math.round).join(", ")} ms`);
  const ours = rounded(median(times));
  return { name: "recovery", ratio: null, ours, theirs: null, unit: "ms" };
}
