/** Random objects of a vhost, made as others make them: by amqplib with its own widths, and over HTTP. */
import { once } from "node:events";
import { request } from "node:http";
import amqplib, { type Channel, type ChannelModel } from "amqplib";
import type { Random } from "../../support/random.ts";
import type { Vhost } from "../../support/vhost.ts";

export const names = {
  exchanges: ["x1", "x2", "x.3", "x 4", "é5", "#", "*", "true"],
  queues: [
    "q1",
    "q2",
    "q.3",
    "q 4",
    "é5",
    "#",
    "*",
    "null",
    "1",
    "a: b",
    "- c",
    "amq.q",
    "warren.q",
  ],
};

export type RandomOptions = {
  readonly hasPolicies: boolean;
  /** Dead letters all have a way that ends, and exchanges form no circle. */
  readonly isSound: boolean;
};

/** Declares what the broker takes; what it refuses is not there, and that is all. */
export async function makeRandomVhost(
  { url, managementUrl, vhost }: Vhost,
  random: Random,
  options: RandomOptions,
): Promise<{ close(): Promise<void> }> {
  const model = await amqplib.connect(url);
  model.on("error", () => undefined);
  const api = apiOf(managementUrl, vhost);
  for (const name of names.exchanges) {
    if (random.below(6) > 0) await makeExchange(model, api, random, name);
  }
  await attempt(model, async (channel) => {
    await channel.assertExchange(SINK, "fanout");
    await channel.assertQueue(SINK);
    await channel.bindQueue(SINK, SINK, "");
  });
  for (const name of names.queues) await makeQueue(model, random, name, options);
  for (let count = 0; count < 30; count++) await bind(model, api, random, options);
  if (options.hasPolicies) await makePolicies(api, random);
  return { close: () => model.close() };
}

type Api = (method: string, path: readonly string[], json: string) => Promise<void>;

/** Takes all dead letters of a sound vhost. */
const SINK = "sink";

/** JSON goes as text, so that 10.0 stays what it is. */
function apiOf(managementUrl: string, vhost: string): Api {
  const { origin, username, password } = new URL(managementUrl);
  return async (method, [kind = "", ...rest], json) => {
    const path = [kind, vhost, ...rest].map(encodeURIComponent).join("/");
    const sent = request(`${origin}/api/${path}`, {
      method,
      auth: `${decodeURIComponent(username)}:${decodeURIComponent(password)}`,
      headers: { "content-type": "application/json" },
      agent: false,
    });
    sent.end(json);
    const [answer] = await once(sent, "response");
    answer.resume();
    await once(answer, "end");
  };
}

async function makeExchange(model: ChannelModel, api: Api, random: Random, name: string) {
  const type = random.pick(["direct", "fanout", "topic", "topic", "headers"]);
  const alternate =
    random.below(4) === 0 ? random.pick([...names.exchanges, "amq.fanout", "ghost"]) : null;
  const flags = {
    durable: random.below(8) > 0,
    autoDelete: random.below(10) === 0,
    internal: random.below(6) === 0,
  };
  const args = {
    ...(alternate !== null && { "alternate-exchange": alternate }),
    ...custom(random, 4),
  };
  if (random.below(4) > 0) {
    await attempt(model, (channel) =>
      channel.assertExchange(name, type, { ...flags, arguments: args }),
    );
    return;
  }
  const { durable, autoDelete, internal } = flags;
  const body = { type, durable, auto_delete: autoDelete, internal };
  // Over HTTP a number is a long, or a double if it has a fraction, be it 0.
  const json = `{"x-whole":10.0,"x-long":10${alternate === null ? "" : `,"alternate-exchange":${JSON.stringify(alternate)}`}}`;
  await api(
    "PUT",
    ["exchanges", name],
    `${JSON.stringify(body).slice(0, -1)},"arguments":${json}}`,
  );
}

async function makeQueue(
  model: ChannelModel,
  random: Random,
  name: string,
  options: RandomOptions,
) {
  const type = random.pick(["classic", "classic", "quorum", "quorum", "stream"] as const);
  const isClassic = type === "classic";
  await attempt(model, (channel) =>
    channel.assertQueue(name, {
      durable: !isClassic || random.below(8) > 0,
      autoDelete: isClassic && random.below(10) === 0,
      exclusive: isClassic && random.below(12) === 0,
      arguments: {
        ...(isClassic && random.below(2) === 0 ? {} : { "x-queue-type": type }),
        ...argumentsOf(random, type, options),
        ...custom(random, 3),
      },
    }),
  );
}

function argumentsOf(
  random: Random,
  type: "classic" | "quorum" | "stream",
  { isSound }: RandomOptions,
): object {
  const some = <T>(values: readonly T[]) =>
    random.below(3) === 0 ? random.pick(values) : undefined;
  if (type === "stream") {
    return defined({
      "x-max-age": some(["7D", "12h", "1Y", "30m"]),
      "x-max-length-bytes": some([1_000_000, 2 ** 30, number("long", 2 ** 40)]),
      "x-stream-max-segment-size-bytes": some([500_000]),
    });
  }
  const exchange = some(isSound ? [SINK] : [...names.exchanges, "amq.topic", "", "ghost"]);
  const isBounded = random.below(3) === 0;
  return defined({
    "x-message-ttl": some([0, 100, 60_000, 65_537, number("short", 300)]),
    "x-expires": some([3_600_000, 90_061_001]),
    "x-max-length": isBounded ? random.pick([0, 5, number("byte", 5), 100_000]) : undefined,
    "x-max-length-bytes": some([1_024, 1_000_000, 12_345]),
    "x-overflow": isBounded
      ? some(["drop-head", "reject-publish", "reject-publish-dlx"])
      : undefined,
    "x-dead-letter-exchange": exchange,
    "x-dead-letter-routing-key":
      exchange === undefined ? undefined : some([...names.queues, "k", ""]),
    "x-single-active-consumer": some([true, false]),
    ...(type === "classic"
      ? {
          "x-max-priority": some([0, 1, 10, 255]),
          "x-queue-mode": some(["lazy", "default"]),
          "x-queue-version": some([1, 2]),
        }
      : {
          "x-delivery-limit": some([1, 20, 1_000]),
          "x-dead-letter-strategy":
            exchange === undefined ? undefined : some(["at-least-once", "at-most-once"]),
          "x-quorum-initial-group-size": some([1, 3]),
        }),
  });
}

async function bind(
  model: ChannelModel,
  api: Api,
  random: Random,
  { isSound }: RandomOptions,
): Promise<void> {
  const source = random.pick([...names.exchanges, "amq.topic", "amq.headers", "amq.fanout"]);
  const isToExchange = random.below(4) === 0;
  const destination = random.pick(isToExchange ? names.exchanges : names.queues);
  // In one direction alone there is no circle.
  const { exchanges } = names;
  if (isSound && isToExchange && exchanges.indexOf(source) >= exchanges.indexOf(destination))
    return;
  const key = random.pick(["", "a", "a.b", "#", "*.b", "a*", "*", "true", "1.5", "é"]);
  const args = random.below(3) === 0 ? headers(random) : {};
  if (random.below(4) > 0) {
    await attempt(model, (channel) =>
      isToExchange
        ? channel.bindExchange(destination, source, key, args)
        : channel.bindQueue(destination, source, key, args),
    );
    return;
  }
  const json = `{"routing_key":${JSON.stringify(key)},"arguments":{"n":5,"whole":${random.pick(["5.0", "5.5", '"5"'])}}}`;
  await api("POST", ["bindings", "e", source, isToExchange ? "e" : "q", destination], json);
}

function headers(random: Random): object {
  return defined({
    "x-match": random.pick([undefined, "all", "any", "all-with-x", "any-with-x"]),
    n: random.pick([undefined, 1, 300, 1.5, number("long", 7), true, "1", "true"]),
    "x-n": random.pick([undefined, undefined, 1]),
    deep: random.pick([undefined, undefined, { a: [1, "b", { c: 70_000 }] }]),
  });
}

/** Arguments that no broker knows, which all of them store. */
function custom(random: Random, oneIn: number): object {
  if (random.below(oneIn) > 0) return {};
  return random.pick([
    { "x-of-plugin": 5 },
    { "x-of-plugin": 1.5 },
    { "x-of-plugin": number("double", 5) },
    { "x-of-plugin": number("long", 2 ** 53) },
    { "x-of-plugin": { a: [1, true, "b"], "b c": { d: 1.25 } } },
    { owner: "team: a", "x-list": [] },
    { "x-empty": {}, "x-text": "" },
  ]);
}

function number(type: string, value: number): object {
  return { "!": type, value };
}

function defined(record: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined));
}

/** On a channel of its own, which a refusal closes. */
async function attempt(model: ChannelModel, declare: (channel: Channel) => Promise<unknown>) {
  const channel = await model.createChannel();
  channel.on("error", () => undefined);
  const isDone = await declare(channel).then(
    () => true,
    () => false,
  );
  if (isDone) await channel.close();
}

async function makePolicies(api: Api, random: Random): Promise<void> {
  const policies = [
    { pattern: "^q", "apply-to": "queues", definition: { "message-ttl": 60_000 }, priority: 3 },
    { pattern: ".*", definition: { "max-length": 5, overflow: "drop-head" } },
    { pattern: "^x", "apply-to": "exchanges", definition: { "alternate-exchange": "x1" } },
    { pattern: "1$", "apply-to": "queues", definition: { expires: 100_000_000 }, priority: -1 },
  ];
  for (const [index, policy] of policies.entries()) {
    if (random.below(2) === 0) await api("PUT", ["policies", `p ${index}`], JSON.stringify(policy));
  }
}
