import { toFieldTable } from "../../src/apply/wire.ts";
import { route } from "../../src/routing/route.ts";
import type { Arguments, ArgumentValue } from "../../src/topology.ts";
import type { Client } from "../support/client.ts";
import { createRandom, type Random } from "../support/random.ts";
import { expect, test } from "../support/test.ts";
import { type ShortBinding, topologyOf } from "../support/topology.ts";
import { declare, deliveries, type Message } from "./deliveries.ts";

/** Another one with WARREN_SEED. */
const seed = Number(process.env.WARREN_SEED ?? 7);

test("36,000 pairs of a pattern and a key match as the broker matches them", async ({ client }) => {
  const random = createRandom(seed);
  const patterns = unlike(300, () => randomPattern(random));
  const keys = unlike(120, () => randomKey(random));
  const topology = topologyOf({
    exchanges: { topics: {} },
    bindings: patterns.map((pattern, index): ShortBinding => ["topics", `q${index}`, pattern]),
    queues: Object.fromEntries(patterns.map((_, index) => [`q${index}`, {}])),
  });
  const messages = keys.map((key) => ({ exchange: "topics", key, headers: {} }));
  await expectSameRoutes(client, topology, messages);
});

test("18,000 pairs of a headers binding and headers match as the broker matches them", async ({
  client,
}) => {
  const random = createRandom(seed);
  const wanted = unlike(150, () => randomArguments(random));
  const topology = topologyOf({
    exchanges: { documents: { type: "headers" } },
    bindings: wanted.map((args, index): ShortBinding => ["documents", `q${index}`, args]),
    queues: Object.fromEntries(wanted.map((_, index) => [`q${index}`, {}])),
  });
  const messages = random.list(120, () => ({
    exchange: "documents",
    key: random.pick(["", "k"]),
    headers: randomHeaders(random),
  }));
  await expectSameRoutes(client, topology, messages);
});

test("random networks of exchanges, with circles and alternates, route as the broker routes them", async ({
  client,
}) => {
  const random = createRandom(seed);
  for (let round = 0; round < 25; round++) {
    const topology = randomNetwork(random);
    for (const name of queues) await client.channel.deleteQueue(name);
    for (const name of exchanges) await client.channel.deleteExchange(name);
    const messages = random.list(100, () => ({
      exchange: random.pick(exchanges),
      key: random.list(random.below(4), () => random.pick(words)).join("."),
      headers: randomHeaders(random),
    }));
    await expectSameRoutes(client, topology, messages);
  }
});

type RandomMessage = Omit<Message, "headers"> & { readonly headers: Arguments };

async function expectSameRoutes(
  client: Client,
  topology: ReturnType<typeof topologyOf>,
  messages: readonly RandomMessage[],
): Promise<void> {
  await declare(client, topology);
  const sent = messages.map((message) => ({ ...message, headers: toFieldTable(message.headers) }));
  const arrived = await deliveries(client, Object.keys(topology.queues), sent);
  const seen = messages.map((message, index) => ({ ...message, queues: arrived[index] }));
  const expected = messages.map((message) => ({
    ...message,
    queues: route(topology, message.exchange, message.key, message.headers).queues,
  }));
  expect(seen).toEqual(expected);
}

/** Words of every kind: empty, that differ in case, that are two bytes and more, wild in a key. */
const strange = ["a", "b", "A", "", "", "é", "e\u0301", "日本", "🐇", "*", "#", "a b", "0"];

function randomKey(random: Random): string {
  return random.list(random.below(6), () => random.pick(strange)).join(".");
}

/** RabbitMQ 4.3 refuses a third #. */
function randomPattern(random: Random): string {
  const parts = [...strange, "*", "*", "#", "#", "#", "#", "a*", "##"];
  const pattern = random.list(random.below(6), () => random.pick(parts));
  const isRefused = pattern.filter((word) => word === "#").length > 2;
  return isRefused ? randomPattern(random) : pattern.join(".");
}

const values: readonly ArgumentValue[] = [
  ...["1", "", "true", "é"],
  ...[0, 1, -1, 200, 300, 70_000, 2 ** 40, 1.5, -0.25],
  ...[true, false],
  ...[[1, "a"], ["a", 1], [], {}, { a: 1, b: "x" }, { b: "x", a: 1 }, { a: { b: [true] } }],
];

function randomArguments(random: Random): Arguments {
  const match = random.pick(["none", "all", "any", "any-with-x", "all-with-x"]);
  return { ...(match !== "none" && { "x-match": match }), ...randomHeaders(random) };
}

function randomHeaders(random: Random): Arguments {
  const names = ["n", "type", "x-n", "X", "é"].filter(() => random.below(2) === 0);
  return Object.fromEntries(
    // Few values, so that some are equal.
    names.map((name) => [name, random.pick(random.below(2) === 0 ? values : values.slice(0, 6))]),
  );
}

const queues = ["q1", "q2", "q3", "q4", "q5", "q6"];
const exchanges = ["x1", "x2", "x3", "x4", "x5"];
const words = ["a", "b", ""];

function randomNetwork(random: Random) {
  const types = ["direct", "fanout", "topic", "topic", "headers"];
  const typeOf = Object.fromEntries(exchanges.map((name) => [name, random.pick(types)]));
  const pattern = () => random.list(random.below(4), () => random.pick([...words, "*", "#"]));
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
      const isHeaders = typeOf[source] === "headers";
      return [source, destination, isHeaders ? randomArguments(random) : pattern().join(".")];
    }),
    queues: Object.fromEntries(queues.map((name) => [name, {}])),
  });
}

/** So many that differ. */
function unlike<T>(count: number, make: () => T): readonly T[] {
  const made = new Map<string, T>();
  while (made.size < count) {
    const one = make();
    made.set(JSON.stringify(one), one);
  }
  return [...made.values()];
}
