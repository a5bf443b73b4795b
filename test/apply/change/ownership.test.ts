/** What is whose: nothing is unbound or removed but what the state says this project has made. */
import { expect, test } from "../../support/test.ts";
import { apply, changesOf, objectsIn, PRUNE, stateOf, WAYS } from "../applying.ts";

const QUEUE = "{ type: classic, bind: { x: [a, b] }, handler: none, deadLetter: none }";
const WHOLE = `
exchanges: { x: { type: topic } }
queues: { q: ${QUEUE}, r: ${QUEUE} }
`;
const PART = `
exchanges: { x: { type: topic } }
queues: { q: ${QUEUE.replace("[a, b]", "a")} }
`;

test.for(WAYS)(
  "over %s, a second apply changes nothing, its state neither",
  async (way, { vhost }) => {
    const first = await apply(vhost, WHOLE, { way, by: "ci@runner-3" });
    const written = await stateOf(vhost);
    const second = await apply(vhost, WHOLE, { way, by: "someone@else" });
    expect([first, second].map(({ generation, isDone }) => [generation, isDone])).toEqual([
      [1, true],
      [1, true],
    ]);
    expect(changesOf(second)).toEqual([]);
    expect(await stateOf(vhost)).toEqual(written);
    expect(written).toEqual({
      v: 1,
      project: "test",
      generation: 1,
      appliedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      by: "ci@runner-3",
      hash: second.hash,
      owned: {
        exchanges: ["x"],
        queues: ["q", "r"],
        bindings: ["q a", "q b", "r a", "r b"].map((to) => ({
          source: "x",
          destination: to.slice(0, 1),
          destinationKind: "queue",
          key: to.slice(2),
          arguments: {},
        })),
        policies: [],
      },
      journal: null,
    });
  },
);

test.for(WAYS)(
  "over %s, a binding that left the file is unbound, a queue stays until a prune",
  async (way, { vhost }) => {
    await apply(vhost, WHOLE, { way });
    const report = await apply(vhost, PART, { way });
    expect(changesOf(report)).toEqual([
      "unbound binding x -> q  b",
      "unbound binding x -> r  a",
      "unbound binding x -> r  b",
      "kept queue r: made by warren, not in the file: needs --prune",
    ]);
    expect(report).toMatchObject({ isDone: true, isPartial: false, generation: 2 });
    const pruned = await apply(vhost, PART, { way, permissions: PRUNE });
    expect(changesOf(pruned)).toEqual(["removed queue r"]);
    expect(await objectsIn(vhost)).toEqual(["q q", "q warren.test.state", "x -> q a", "x x"]);
  },
);

test.for(WAYS)(
  "over %s, bindings and objects of others stay as they are",
  async (way, { vhost, client: { channel } }) => {
    await apply(vhost, WHOLE, { way });
    await channel.assertQueue("theirs", { durable: true });
    await channel.assertExchange("their.exchange", "topic", { durable: true });
    await channel.bindQueue("theirs", "x", "a");
    await channel.bindQueue("q", "x", "their.key");
    await channel.bindQueue("q", "their.exchange", "#");
    const before = await objectsIn(vhost);
    const report = await apply(vhost, PART, { way, permissions: PRUNE });
    expect(report.isDone).toBe(true);
    const ours = ["x -> q b", "x -> r a", "x -> r b", "q r"];
    expect(await objectsIn(vhost)).toEqual(before.filter((one) => !ours.includes(one)));
  },
);

test("with adopt a binding that somebody else gave a queue of the file is unbound, numbers too", async ({
  vhost,
  client: { channel },
}) => {
  await apply(vhost, PART);
  await channel.bindQueue("q", "x", "their.key");
  await channel.bindQueue("q", "x", "k", { "x-a": 5, "x-b": 2.5 });
  const permissions = { ...PRUNE, adopt: true };
  const report = await apply(vhost, PART, { permissions });
  expect(changesOf(report).toSorted()).toEqual([
    'unbound binding x -> q  k {"x-a":5,"x-b":2.5}',
    "unbound binding x -> q  their.key",
  ]);
  expect(await objectsIn(vhost)).toEqual(["q q", "q warren.test.state", "x -> q a", "x x"]);
});

test.for(WAYS)(
  "over %s, nothing is removed once the state is lost, and what is equal is adopted",
  async (way, { vhost, client }) => {
    await apply(vhost, WHOLE, { way });
    await client.channel.deleteQueue("warren.test.state");
    const before = await objectsIn(vhost);
    const report = await apply(vhost, PART, { way, permissions: PRUNE });
    expect(report).toMatchObject({ isDone: true, generation: 1 });
    expect(await objectsIn(vhost)).toEqual([...before, "q warren.test.state"].sort());
    const owned = (await stateOf(vhost))?.owned;
    expect(owned).toMatchObject({ exchanges: ["x"], queues: ["q"] });
    expect(owned?.bindings.map(({ key }) => key)).toEqual(["a"]);
  },
);

test.for(WAYS)(
  "over %s, two projects of one vhost never touch each other's",
  async (way, { vhost }) => {
    const other = `
exchanges: { x: { type: topic, external: true } }
queues: { s: ${QUEUE} }
`;
    await apply(vhost, WHOLE, { way });
    await apply(vhost, other, { way, project: "other" });
    const both = await objectsIn(vhost);
    await apply(vhost, WHOLE, { way, permissions: PRUNE });
    await apply(vhost, other, { way, project: "other", permissions: PRUNE });
    expect(await objectsIn(vhost)).toEqual(both);
    const less = other.replace("[a, b]", "a");
    const report = await apply(vhost, less, { way, project: "other", permissions: PRUNE });
    expect(changesOf(report)).toEqual(["unbound binding x -> s  b"]);
    expect(await objectsIn(vhost)).toEqual(both.filter((one) => one !== "x -> s b"));
  },
);

test("an external object is bound to, and never owned", async ({ vhost, client }) => {
  await client.channel.assertExchange("theirs", "topic", { durable: true });
  const bound = `
exchanges: { theirs: { type: topic, external: true } }
queues: { q: { bind: { theirs: "#" }, handler: none, deadLetter: none } }
`;
  const unbound = `
exchanges: { x: { type: topic } }
queues: { q: { bind: { x: "#" }, handler: none, deadLetter: none } }
`;
  await apply(vhost, bound);
  expect((await stateOf(vhost))?.owned.exchanges).toEqual([]);
  const report = await apply(vhost, unbound, { permissions: PRUNE });
  expect(changesOf(report)).toEqual([
    "created exchange x",
    "created binding x -> q  #",
    "unbound binding theirs -> q  #",
  ]);
  await client.channel.checkExchange("theirs");
});
