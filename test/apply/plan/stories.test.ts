import { inject } from "vitest";
import { applyTopology } from "../../../src/apply/change/apply.ts";
import { NO_PERMISSIONS } from "../../../src/apply/change/options.ts";
import { planTopology } from "../../../src/apply/plan/look.ts";
import type { Permissions, PlanEntry } from "../../../src/apply/planned.ts";
import type { Topology } from "../../../src/topology.ts";
import { loadTopology } from "../../support/runner.ts";
import { expect, test } from "../../support/test.ts";
import type { Vhost } from "../../support/vhost.ts";
import { waitFor } from "../../support/wait-for.ts";

const isEmbedded = inject("broker").kind === "embedded";
const handlers = { bill: () => undefined };

function topologyIn({ url, managementUrl }: Vhost, topology: string): Promise<Topology> {
  return loadTopology({ topology, handlers, url, management: managementUrl });
}

/** Everything that a plan has to say something of, in lines. */
async function planned(topology: Topology, allowed: Partial<Permissions> = {}) {
  const { plan } = await planTopology(topology, { ...NO_PERMISSIONS, ...allowed });
  return plan.entries
    .filter(({ action }) => action !== "unchanged" && action !== "ensure")
    .map(lineOf);
}

function lineOf({ action, kind, name, blocked }: PlanEntry): string {
  return `${action} ${kind} ${name}${blocked ? `: ${blocked.reason}` : ""}`;
}

// The embedded broker has no policies.
test.skipIf(isEmbedded)(
  "an alternate exchange is given to one that runs as the plan's recipe says, and then there is no difference",
  async ({ vhost, client }) => {
    await applyTopology(await topologyIn(vhost, "exchanges: { a.b: { type: topic } }"));
    const wanted = `
exchanges: { a.b: { type: topic, alternate: rest }, rest: { type: fanout } }
queues: { rest_queue: { type: classic, bind: rest, handler: none, deadLetter: none } }
`;
    const { plan } = await planTopology(await topologyIn(vhost, wanted), NO_PERMISSIONS);
    const conflict = plan.entries.find(({ action }) => action === "conflict");
    expect(conflict?.name).toBe("a.b");

    const recipe = await topologyIn(vhost, `${wanted}policies:\n  ${conflict?.notes[1]}\n`);
    expect((await applyTopology(recipe)).isDone).toBe(true);
    expect(await planned(recipe)).toEqual([]);
    await waitFor(async () => (await client.publish("a.b", "nobody", {})).routed, {
      what: "the policy to give what nobody takes to the alternate exchange",
    });
  },
);

test("a renamed queue is kept until it is empty, and then goes with --prune", async ({
  vhost,
  client,
}) => {
  const queue = (name: string, was = "") =>
    topologyIn(
      vhost,
      `exchanges: { x: { type: topic } }
queues: { ${name}: { type: classic, ordered: true, ${was} bind: { x: a }, handler: bill, retry: none, deadLetter: none } }`,
    );
  await applyTopology(await queue("old"));
  await client.publish("x", "a", { number: 1 });

  const renamed = await queue("new", "was: old, ");
  // What the old queue retries may be waiting still.
  expect(await planned(renamed)).toEqual([
    "create exchange warren.test.retry",
    "create exchange warren.test.requeue",
    "create queue new",
    "bind binding x -> new  a",
    "bind binding warren.test.requeue -> new  *.old",
    "unbind binding x -> old  a",
    "kept queue old: renamed: consumed by new until it is empty",
  ]);
  await applyTopology(renamed);
  await client.publish("x", "a", { number: 2 });
  expect(await vhost.queueCounts("new")).toMatchObject({ ready: 1 });
  expect(await planned(renamed)).toEqual([
    "kept queue old: renamed: consumed by new until it is empty",
  ]);

  expect((await client.get("old"))?.body).toBe('{"number":1}');
  expect(await planned(renamed, { prune: true })).toEqual(["remove queue old"]);
  await applyTopology(renamed, { permissions: { ...NO_PERMISSIONS, prune: true } });
  expect(await planned(renamed)).toEqual([]);
});

test("while a retry waits its way back is kept, and comes back by it", async ({
  vhost,
  client,
}) => {
  const queue = (retry: string) =>
    topologyIn(
      vhost,
      `exchanges: { x: { type: topic } }
queues: { q: { type: quorum, bind: { x: a }, handler: bill, retry: ${retry}, deadLetter: none } }`,
    );
  await applyTopology(await queue("[1h]"));
  await client.publish("warren.test.retry", "1h.q", {});

  const without = await queue("none");
  const waiting = [
    "kept binding warren.test.requeue -> q  *.q: retries that wait come back by it",
    "kept queue warren.test.retry.1h: not empty: it holds 1 message",
    "kept exchange warren.test.requeue: in use: dead letters of warren.test.retry.1h, retries in warren.test.retry.1h",
    "kept exchange warren.test.retry: in use: retries in warren.test.retry.1h",
  ];
  const permissions = { ...NO_PERMISSIONS, prune: true };
  const isListed = async () => {
    const entries = await planned(without, permissions);
    return entries.some((line) => line.includes("holds 1 message"));
  };
  // The totals of a quorum queue are late.
  await waitFor(isListed, { timeoutMs: 20_000, what: "the retry to be counted" });
  expect((await planned(without, permissions)).filter((line) => line.startsWith("kept"))).toEqual(
    waiting,
  );
  await applyTopology(without, { permissions });
  expect(await client.publish("warren.test.requeue", "1h.q", {})).toEqual({ routed: true });
});

test("what somebody else has bound is foreign, and unbound when it is adopted", async ({
  vhost,
  client,
}) => {
  const topology = await topologyIn(
    vhost,
    `exchanges: { x: { type: headers } }
queues: { q: { type: classic, handler: none, deadLetter: none } }`,
  );
  await applyTopology(topology);
  // As a byte, and as a long: two bindings that are listed alike.
  await client.channel.bindQueue("q", "x", "", { n: 5 });
  await client.channel.bindQueue("q", "x", "", { n: { "!": "long", value: 5 } });
  await client.channel.assertQueue("theirs");
  await client.channel.bindQueue("theirs", "x", "", { n: 5 });
  const foreign = 'binding x -> q  {"n":5}';
  expect(await planned(topology)).toEqual([
    `foreign ${foreign}`,
    `foreign ${foreign}`,
    "foreign queue theirs",
  ]);

  const permissions = { ...NO_PERMISSIONS, adopt: true };
  expect(await planned(topology, permissions)).toEqual([
    `unbind ${foreign}`,
    `unbind ${foreign}`,
    "foreign queue theirs",
  ]);
  await applyTopology(topology, { permissions });
  expect(await planned(topology, permissions)).toEqual(["foreign queue theirs"]);
});

test("over AMQP alone, what a user may not configure is hidden, and the rest is planned", async ({
  client,
  user,
}) => {
  await client.channel.assertQueue("closed", { arguments: { "x-queue-type": "classic" } });
  await user.allow({ configure: "^(?!closed)" });
  const topology = await loadTopology({
    topology: `queues:
  closed: { type: classic, handler: none, deadLetter: none }
  open: { type: classic, handler: none, deadLetter: none }`,
    url: user.url,
  });
  expect(await planned(topology)).toEqual([
    expect.stringMatching(/^hidden queue closed: .*access to queue 'closed'/),
    "create queue open",
  ]);
});

test("five who plan at once all read the state", async ({ vhost }) => {
  const topology = await topologyIn(
    vhost,
    "queues: { q: { type: classic, handler: none, deadLetter: none } }",
  );
  await applyTopology(topology);
  const looked = await Promise.all(
    Array.from({ length: 5 }, () => planTopology(topology, NO_PERMISSIONS)),
  );
  expect(looked.map(({ state }) => state?.generation)).toEqual([1, 1, 1, 1, 1]);
});
