import { toFieldTable } from "../../src/apply/wire.ts";
import { eventsOfQueue } from "../../src/routing/events.ts";
import { reach } from "../../src/routing/reach.ts";
import { type Arguments, deadLetterRoute, type Topology } from "../../src/topology.ts";
import type { Client } from "../support/client.ts";
import { createRandom } from "../support/random.ts";
import { expect, test } from "../support/test.ts";
import { declare, deliveries } from "./deliveries.ts";
import {
  passingQueues,
  QUEUES,
  type RandomNetwork,
  randomNetwork,
  smaller,
  topologyOfNetwork,
  witnesses,
} from "./networks.ts";

/** Another one with WARREN_SEED. */
const seed = Number(process.env.WARREN_SEED ?? 7);

test("the queues that an event of an exchange can reach are those that the broker brings it to, and a queue's events those that it gets", async ({
  client,
}) => {
  const random = createRandom(seed);
  for (let round = 0; round < 30; round++) {
    const network = randomNetwork(random);
    if ((await differences(client, network)).length === 0) continue;
    const least = await shrunk(client, network);
    const found = await differences(client, least);
    expect(found, `seed ${seed}, round ${round}: ${JSON.stringify(least, null, 2)}`).toEqual([]);
  }
});

/** The smallest network that still differs, as far as taking away one thing at a time leads. */
async function shrunk(client: Client, network: RandomNetwork): Promise<RandomNetwork> {
  for (const candidate of smaller(network)) {
    if ((await differences(client, candidate)).length > 0) return shrunk(client, candidate);
  }
  return network;
}

let networks = 0;

/** What the file says and the broker does otherwise. */
async function differences(client: Client, network: RandomNetwork): Promise<readonly object[]> {
  const topology = topologyOfNetwork(network, `n${networks++}.`);
  await declare(client, topology);
  const delivered = await deliveredPairs(client, topology, witnesses(network));
  const routes = (queue: string) => {
    const found = topology.queues[queue];
    return found === undefined ? null : deadLetterRoute(found);
  };
  const ofPairs = delivered.flatMap(({ exchange, key, queues }) => {
    const computed = [...reach(topology, { exchange, key }, routes)]
      .filter((queue) => isLookedInto(queue))
      .sort();
    return isEqual(computed, queues) ? [] : [{ exchange, key, computed, delivered: queues }];
  });
  const ofQueues = Object.keys(topology.queues)
    .filter((queue) => isLookedInto(queue))
    .flatMap((queue) => {
      const got = delivered.filter(({ queues }) => queues.includes(queue)).map(({ key }) => key);
      const events = [...new Set(got)].sort();
      const computed = eventsOfQueue(topology, queue);
      return isEqual(computed, events) ? [] : [{ queue, computed, delivered: events }];
    });
  return [...ofPairs, ...ofQueues];
}

function isLookedInto(queue: string): boolean {
  return QUEUES.some((name) => queue.endsWith(`.${name}`));
}

type Pair = { readonly exchange: string; readonly key: string; readonly queues: readonly string[] };

/** For each exchange and each of its events: the queues that got it with some of the headers. */
async function deliveredPairs(
  client: Client,
  topology: Topology,
  headers: readonly Arguments[],
): Promise<readonly Pair[]> {
  const pairs = Object.values(topology.exchanges).flatMap(({ name, events }) =>
    (events ?? []).map((key) => ({ exchange: name, key })),
  );
  const tables = headers.map(toFieldTable);
  const messages = pairs.flatMap((pair) => tables.map((table) => ({ ...pair, headers: table })));
  const queues = Object.keys(topology.queues).filter(isLookedInto);
  const arrived = await deliveries(client, queues, messages, passingQueues(topology));
  return pairs.map((pair, index) => {
    const own = arrived.slice(index * tables.length, (index + 1) * tables.length);
    return { ...pair, queues: [...new Set(own.flat())].sort() };
  });
}

function isEqual(one: readonly string[] | null, other: readonly string[]): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
