/** What a prune removes, and what it keeps. */
import { NOTHING_OWNED } from "../../../src/apply/state/record.ts";
import { expect, test } from "../../support/test.ts";
import { waitFor } from "../../support/wait-for.ts";
import { apply, changesOf, objectsIn, PRUNE, stateOf, WAYS } from "../applying.ts";

const WHOLE = `
exchanges: { x: { type: fanout }, y: { type: fanout } }
queues:
  stays: { type: classic, bind: x, handler: none, deadLetter: none }
  classic: { type: classic, bind: y, handler: none, deadLetter: none }
  quorum: { type: quorum, bind: y, handler: none, deadLetter: none }
`;
const LITTLE = `
exchanges: { x: { type: fanout } }
queues: { stays: { type: classic, bind: x, handler: none, deadLetter: none } }
`;
const ALL_REMOVED = [
  "unbound binding y -> classic",
  "unbound binding y -> quorum",
  "removed queue classic",
  "removed queue quorum",
  "removed exchange y",
];

test.for(WAYS)("over %s, empty and unused queues and exchanges go", async (way, { vhost }) => {
  await apply(vhost, WHOLE, { way });
  const report = await apply(vhost, LITTLE, { way, permissions: PRUNE });
  expect(changesOf(report)).toEqual(ALL_REMOVED);
  expect(report).toMatchObject({ isDone: true, isPartial: false });
  expect(await objectsIn(vhost)).toEqual(["q stays", "q warren.test.state", "x -> stays ", "x x"]);
});

test.for(WAYS)(
  "over %s, queues with messages stay, and go by a later prune once empty",
  async (way, { vhost, client }) => {
    await apply(vhost, WHOLE, { way });
    await client.publish("y", "", "kept");
    const report = await apply(vhost, LITTLE, { way, permissions: PRUNE });
    expect(report).toMatchObject({ isDone: true, isPartial: true });
    const kept = report.entries.filter(({ result }) => result === "kept");
    expect(kept.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
      "queue classic",
      "queue quorum",
    ]);
    for (const { detail } of kept) expect(detail).toMatch(/^not empty/);
    expect((await stateOf(vhost))?.owned.queues).toEqual(["classic", "quorum", "stays"]);

    await client.channel.purgeQueue("classic");
    await client.channel.purgeQueue("quorum");
    // For some seconds a listing goes on to show what a quorum queue held.
    const prune = async () => {
      await apply(vhost, LITTLE, { way, permissions: PRUNE });
      return (await stateOf(vhost))?.owned.queues.join() === "stays";
    };
    await waitFor(prune, { what: "both queues to go" });
    expect(await objectsIn(vhost)).toEqual([
      "q stays",
      "q warren.test.state",
      "x -> stays ",
      "x x",
    ]);
  },
);

test.for(WAYS)("over %s, queues with consumers stay", async (way, { vhost, client }) => {
  await apply(vhost, WHOLE, { way });
  for (const queue of ["classic", "quorum"]) await client.channel.consume(queue, () => undefined);
  const report = await apply(vhost, LITTLE, { way, permissions: PRUNE });
  const kept = report.entries.filter(({ result }) => result === "kept");
  expect(kept.map(({ name }) => name)).toEqual(["classic", "quorum"]);
  for (const { detail } of kept) expect(detail).toMatch(/in use/);
  expect(await vhost.queueCounts("quorum")).toEqual({ ready: 0, consumers: 1 });
});

test("a message in somebody's hands keeps its queue", async ({ vhost, client }) => {
  await apply(vhost, WHOLE);
  await client.publish("y", "", "taken");
  for (const queue of ["classic", "quorum"]) await client.channel.get(queue, { noAck: false });
  const report = await apply(vhost, LITTLE, { permissions: PRUNE });
  expect(changesOf(report).slice(2)).toEqual([
    expect.stringMatching(/^kept queue classic: not empty/),
    expect.stringMatching(/^kept queue quorum: not empty/),
    "removed exchange y",
  ]);
});

test.for(WAYS)(
  "over %s, dead letters that find no way keep the queue that holds them",
  async (way, { vhost, client }) => {
    const holding = `
exchanges: { x: { type: fanout }, dead: { type: topic } }
queues:
  stays: { type: classic, bind: x, handler: none, deadLetter: none }
  held: { type: quorum, bind: x, handler: none, deadLetter: dead, ttl: 100ms }
  parked: { type: classic, bind: { dead: "#" }, handler: none, deadLetter: none }
`;
    await apply(vhost, holding, { way });
    await client.channel.unbindQueue("parked", "dead", "#");
    await client.publish("x", "", "held");
    await vhost.waitForCounts("held", { ready: 0 });
    const report = await apply(vhost, LITTLE, { way, permissions: PRUNE });
    const kept = report.entries.filter(({ result }) => result === "kept");
    expect(kept.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
      "queue held",
      "exchange dead",
    ]);
  },
);

test("a queue and an exchange that others have bound stay", async ({ vhost, client }) => {
  await apply(vhost, WHOLE);
  await client.channel.assertExchange("theirs", "fanout");
  await client.channel.bindQueue("quorum", "theirs", "");
  await client.channel.bindExchange("y", "theirs", "");
  const report = await apply(vhost, LITTLE, { permissions: PRUNE });
  const kept = report.entries.filter(({ result }) => result === "kept");
  expect(kept.map(({ name }) => name)).toEqual(["quorum", "y"]);
});

test("an exchange stays while a queue that stays dead-letters to it", async ({ vhost, client }) => {
  const dead = (queue: string) => `
exchanges: { x: { type: fanout }, dead: { type: fanout } }
queues:
  stays: { type: classic, bind: x, handler: none, deadLetter: none }
  parked: { type: classic, bind: dead, handler: none, deadLetter: none }
  ${queue}
`;
  await apply(vhost, dead("q: { type: classic, bind: x, handler: none, deadLetter: dead }"));
  await client.publish("x", "", "1");
  const report = await apply(vhost, LITTLE, { permissions: PRUNE });
  expect(changesOf(report).filter((one) => one.startsWith("kept"))).toEqual([
    expect.stringMatching(/^kept queue q: not empty/),
    expect.stringMatching(/^kept exchange dead: .*q/),
  ]);
});

test("a message that comes between the plan and the removal keeps its queue", async ({
  vhost,
  client,
}) => {
  await apply(vhost, WHOLE);
  const sent: Promise<unknown>[] = [];
  const report = await apply(vhost, LITTLE, {
    permissions: PRUNE,
    onPlan: ({ plan }) => {
      expect(plan.entries.filter(({ action }) => action === "remove")).toHaveLength(3);
      for (const queue of ["classic", "quorum"]) sent.push(client.publish("", queue, "late"));
    },
  });
  await Promise.all(sent);
  const kept = report.entries.filter(({ result }) => result === "kept");
  expect(kept.map(({ name }) => name)).toEqual(["classic", "quorum"]);
  for (const queue of ["classic", "quorum"]) {
    expect(await vhost.queueCounts(queue)).toEqual({ ready: 1, consumers: 0 });
  }
});

test("what somebody has removed already is gone from the state as well", async ({
  vhost,
  client,
}) => {
  await apply(vhost, WHOLE);
  await client.channel.deleteQueue("quorum");
  await client.channel.deleteExchange("y");
  const report = await apply(vhost, LITTLE, { permissions: PRUNE });
  expect(changesOf(report)).toEqual(["removed queue classic"]);
  expect((await stateOf(vhost))?.owned).toMatchObject({
    ...NOTHING_OWNED,
    exchanges: ["x"],
    queues: ["stays"],
    bindings: [{ source: "x", destination: "stays" }],
  });
});
