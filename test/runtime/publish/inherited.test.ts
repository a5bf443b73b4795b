import type { HandlerContext } from "../../../src/handler.ts";
import { traceContext } from "../../../src/runtime/publish/inherited.ts";
import { startRunner } from "../../support/runner.ts";
import { expect, test } from "../../support/test.ts";
import { waitFor } from "../../support/wait-for.ts";

const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const tracestate = "congo=t61rcWkgMzE, rojo=00f067aa0ba902b7";

const contexts = [
  { name: "both", given: { traceparent, tracestate }, expected: { traceparent, tracestate } },
  { name: "one alone", given: { traceparent }, expected: { traceparent } },
  { name: "a state without its trace", given: { tracestate }, expected: {} },
  {
    name: "a state beside no trace",
    given: { traceparent: "00-1-2-01", tracestate },
    expected: {},
  },
  {
    name: "a state that is no text of ASCII",
    given: { traceparent, tracestate: "a=é" },
    expected: { traceparent },
  },
  {
    name: "a state that is too long",
    given: { traceparent, tracestate: `a=${"b".repeat(511)}` },
    expected: { traceparent },
  },
  { name: "capitals", given: { traceparent: traceparent.toUpperCase() }, expected: {} },
  {
    name: "zeros",
    given: { traceparent: `00-${"0".repeat(32)}-00f067aa0ba902b7-01` },
    expected: {},
  },
  { name: "version ff", given: { traceparent: `ff${traceparent.slice(2)}` }, expected: {} },
  { name: "version 00 with more", given: { traceparent: `${traceparent}-00` }, expected: {} },
  {
    name: "a later version with more",
    given: { traceparent: `01${traceparent.slice(2)}-00` },
    expected: { traceparent: `01${traceparent.slice(2)}-00` },
  },
  { name: "two of them", given: { traceparent: `${traceparent}, ${traceparent}` }, expected: {} },
  { name: "no text", given: { traceparent: 7 }, expected: {} },
];

test.for(contexts)("of a trace context goes on what is valid: $name", ({ given, expected }) => {
  expect(traceContext(given)).toEqual(expected);
});

const topology = `
defaults: { deadLetter: dead, retry: [20ms, 20ms, 20ms] }
exchanges:
  free: { type: topic }
  dead: { type: topic }
queues:
  first: { type: classic, maxPriority: 9, bind: { free: first }, handler: first }
  second: { bind: { free: second }, handler: second }
  third: { bind: { free: third }, handler: none }
  dead_letters: { bind: { dead: "#" }, handler: none, deadLetter: none }
`;

type AnyPublish = (...args: unknown[]) => Promise<void>;
const publishOf = ({ publish }: HandlerContext) => publish as unknown as AnyPublish;

test("correlation, causation, priority and trace go from a request over two handlers", async ({
  vhost,
  client,
}) => {
  const seen: HandlerContext["message"][] = [];
  const warren = await startRunner({
    url: vhost.url,
    topology,
    handlers: {
      first: async (event, context) => {
        seen.push(context.message);
        await publishOf(context)("free", "second", event);
      },
      second: async (event, context) => {
        seen.push(context.message);
        // Its copy for the retry has all of it as well.
        if (context.attempt === 1) throw new Error("once");
        await publishOf(context)("free", "third", event);
        throw new Error("in the end");
      },
    },
  });
  const answer = await warren.post(
    "/publish",
    { exchange: "free", routing_key: "first", message: {}, priority: 4 },
    { traceparent, tracestate },
  );
  const id = answer.body.message_id;
  await vhost.waitForCounts("dead_letters", { ready: 1 });
  await warren.stop();

  const trace = { traceparent, tracestate };
  const [first, second] = seen;
  expect(first).toMatchObject({ id, correlationId: null, priority: 4, headers: trace });
  expect(first?.headers).not.toHaveProperty("causation-id");
  for (const message of seen.slice(1)) {
    const headers = { ...trace, "causation-id": id };
    expect(message).toMatchObject({ id: second?.id, correlationId: id, priority: 4, headers });
  }
  const third = await client.get("third");
  expect(third?.properties).toMatchObject({ correlationId: id, priority: 4 });
  expect(third?.headers).toMatchObject({ ...trace, "causation-id": second?.id });
  const dead = await client.get("dead_letters");
  expect(dead?.properties).toMatchObject({ messageId: second?.id, correlationId: id, priority: 4 });
  expect(dead?.headers).toMatchObject({ ...trace, "causation-id": id });
});

test("what a handler says itself wins, and what can't be sent again is left out", async ({
  vhost,
  client,
}) => {
  const warren = await startRunner({
    url: vhost.url,
    topology,
    handlers: {
      first: async (event, context) => {
        await publishOf(context)("free", "third", event);
        const headers = Object.fromEntries(Array.from({ length: 32 }, (_, n) => [`h${n}`, n]));
        const own = { priority: 0, correlationId: "mine", headers: { ...headers, h0: "own" } };
        await publishOf(context)("free", "third", event, own);
        const traced = { headers: { traceparent: "mine", "causation-id": "none" } };
        await publishOf(context)("free", "third", event, traced);
      },
      second: () => undefined,
    },
  });
  // No caller of warren's could say this, and it is carried all the same.
  const channel = client.channel;
  channel.publish("free", "first", Buffer.from("{}"), {
    messageId: "parent",
    correlationId: "\u0007".repeat(255),
    priority: 3,
    headers: { traceparent, tracestate: "x".repeat(2_000), tenant: "not carried" },
  });
  await channel.waitForConfirms();
  await vhost.waitForCounts("third", { ready: 3 });
  await warren.stop();
  // Since 4.0 a quorum queue reads priorities as well: they come in another order.
  const sent = await client.peek("third");
  const own = sent.find(({ properties }) => properties.correlationId === "mine");
  const traced = sent.find(({ headers }) => headers["causation-id"] === "none");
  const plain = sent.find((message) => message !== own && message !== traced);
  expect(plain?.properties).toMatchObject({ correlationId: "\u0007".repeat(255), priority: 3 });
  expect(plain?.headers).toMatchObject({ "causation-id": "parent", traceparent });
  expect(plain?.headers).not.toHaveProperty("tracestate");
  expect(plain?.headers).not.toHaveProperty("tenant");
  expect(own?.properties).toMatchObject({ correlationId: "mine", priority: 0 });
  expect(own?.headers).toMatchObject({ h0: "own", h31: 31, "causation-id": "parent" });
  expect(traced?.headers).toMatchObject({ traceparent: "mine", "causation-id": "none" });
});

test("a handler that publishes two messages and fails three times sends the same ids each time", async ({
  vhost,
  client,
}) => {
  const attempts: number[] = [];
  const warren = await startRunner({
    url: vhost.url,
    topology,
    handlers: {
      first: async (_event, context) => {
        await publishOf(context)("free", "third", { n: 1 });
        await publishOf(context)("free", "third", { n: 2 });
        attempts.push(context.attempt);
        if (context.attempt <= 3) throw new Error("after its publishes");
      },
      second: () => undefined,
    },
  });
  await client.publish("free", "first", {});
  await waitFor(() => attempts.length === 4, { what: "four attempts" });
  await warren.stop();
  expect(attempts).toEqual([1, 2, 3, 4]);
  const sent = (await client.peek("third")).map(({ body, properties }) => [
    body,
    properties.messageId,
  ]);
  const [one, two] = sent;
  expect(one?.[1]).not.toEqual(two?.[1]);
  expect(sent).toEqual([one, two, one, two, one, two, one, two]);
});
