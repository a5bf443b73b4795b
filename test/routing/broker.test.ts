import { applyTopology } from "../../src/apply/change/apply.ts";
import { route } from "../../src/routing/route.ts";
import type { Client } from "../support/client.ts";
import { createRandom, type Random } from "../support/random.ts";
import { expect, test } from "../support/test.ts";
import { type ShortBinding, topologyOf } from "../support/topology.ts";

const queues = ["q1", "q2", "q3", "q4", "q5", "q6"];
const exchanges = ["x1", "x2", "x3", "x4", "x5"];
const words = ["a", "b", ""];

test("random topologies route as the broker routes them", async ({ vhost, client }) => {
  const random = createRandom(7);
  for (let round = 0; round < 12; round++) {
    const topology = randomTopology(random);
    await declareAnew(client, vhost.url, topology);
    for (let count = 0; count < 40; count++) {
      const exchange = random.pick(exchanges);
      const key = random.list(random.below(4), () => random.pick(words)).join(".");
      const headers = randomHeaders(random);
      await client.publish(exchange, key, "", { headers });
      const message = { round, exchange, key, headers };
      const expected = route(topology, exchange, key, headers).queues;
      expect({ ...message, queues: await emptied(client) }).toEqual({
        ...message,
        queues: expected,
      });
    }
  }
});

function randomTopology(random: Random) {
  const types = ["direct", "fanout", "topic", "topic", "headers"];
  const typeOf = Object.fromEntries(exchanges.map((name) => [name, random.pick(types)]));
  return topologyOf({
    exchanges: Object.fromEntries(
      exchanges.map((name) => [
        name,
        { type: typeOf[name] ?? "", alternate: random.pick([null, ...exchanges]) },
      ]),
    ),
    bindings: random.list(14, (): ShortBinding => {
      const source = random.pick(exchanges);
      const destination = random.pick([...queues, ...exchanges.map((name) => `x>${name}`)]);
      return [
        source,
        destination,
        typeOf[source] === "headers" ? randomArguments(random) : randomPattern(random),
      ];
    }),
    queues: Object.fromEntries(queues.map((name) => [name, {}])),
  });
}

function randomPattern(random: Random): string {
  return random.list(random.below(4), () => random.pick([...words, "*", "#"])).join(".");
}

function randomArguments(random: Random): Record<string, string | number | boolean> {
  const match = random.pick([
    {},
    { "x-match": "all" },
    { "x-match": "any" },
    { "x-match": "any-with-x" },
    { "x-match": "all-with-x" },
  ]);
  return { ...match, ...randomHeaders(random) };
}

function randomHeaders(random: Random): Record<string, string | number | boolean> {
  const values = ["1", 1, 1.5, 300, true, "true"];
  const names = ["n", "type", "x-n"].filter(() => random.below(2) === 0);
  return Object.fromEntries(names.map((name) => [name, random.pick(values)]));
}

async function declareAnew(
  client: Client,
  url: string,
  topology: ReturnType<typeof randomTopology>,
) {
  for (const queue of queues) await client.channel.deleteQueue(queue);
  for (const exchange of exchanges) await client.channel.deleteExchange(exchange);
  const broker = { ...topology.broker, addresses: [{ url, shown: url }] };
  const report = await applyTopology({ ...topology, broker });
  expect(report.isDone).toBe(true);
}

/** The queues that have a message, which is taken away. */
async function emptied(client: Client): Promise<string[]> {
  const full: string[] = [];
  for (const queue of queues) {
    const message = await client.channel.get(queue, { noAck: true });
    if (message !== false) full.push(queue);
  }
  return full;
}
