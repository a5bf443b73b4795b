import { inject } from "vitest";
import { NO_PERMISSIONS } from "../../../src/apply/change/options.ts";
import { openManagement } from "../../../src/apply/inspect/management.ts";
import { planTopology } from "../../../src/apply/plan/look.ts";
import { readDefinitions } from "../../../src/apply/transfer/definitions.ts";
import { findLive } from "../../../src/apply/transfer/listing.ts";
import { type Draft, draftTopology } from "../../../src/commands/import-draft.ts";
import { load } from "../../../src/loader/load.ts";
import { createRandom } from "../../support/random.ts";
import { expect, test } from "../../support/test.ts";
import type { Vhost } from "../../support/vhost.ts";
import { makeRandomVhost } from "./random-vhost.ts";

const { kind } = inject("broker");

/** Other ones with WARREN_SEED. */
function seeds(count: number): readonly number[] {
  const first = Number(process.env.WARREN_SEED ?? 1);
  return Array.from({ length: count }, (_, index) => first + index);
}

async function importExported({ url, managementUrl, vhost }: Vhost) {
  const { origin, username, password } = new URL(managementUrl);
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
  const answer = await fetch(`${origin}/api/definitions/${encodeURIComponent(vhost)}`, {
    headers: { authorization, connection: "close" },
  });
  const bytes = Buffer.from(await answer.arrayBuffer());
  const found = readDefinitions({ bytes, file: "d.json", vhost: null });
  const head = { project: "imported", broker: { url, management: managementUrl } };
  return { draft: draftTopology({ found, head, file: "topology.yaml", env: {} }) };
}

async function importFrom({ url, managementUrl, vhost }: Vhost) {
  const api = { url: managementUrl, shown: managementUrl };
  const management = openManagement(api, { amqp: { url, shown: url }, vhost });
  const found = await findLive(management);
  const head = { project: "imported", broker: { url, management: managementUrl } };
  const draft = draftTopology({ found, head, file: "topology.yaml", env: {} });
  return { found, draft };
}

/** Why something may not be declared, or not be there at all. */
const REASONS = [
  /is (\d+\.0, which the file can't tell from \d+|9007199254740992, which is too large for the file)( \(.*\))?$/,
  /must be a number in plain digits, found 9007199254740992$/,
  /: its alternate exchange ".*" is not in this file$/,
  /: it is not durable: it is gone when the broker restarts$/,
  /: the broker gave it its name$/,
  /reject-publish-dlx is for classic queues, and this one is quorum$/,
  /at-least-once needs overflow reject-publish, found drop-head$/,
  /: its name belongs to warren$/,
  /: it is exclusive to a connection, and ends with it$/,
  /: it is auto-delete: it goes with its last consumer$/,
  /: it is not durable, and goes with its last binding$/,
  /^policy "p 2": alternate-exchange "x1" of ".*" is not declared/,
  /^binding .*: (exchange|queue) ".*" is not in this file( \(.*\))?$/,
];
const MISTAKES = ["dead-letter-lost", "dead-letter-cycle", "binding-cycle"];

async function expectNothingToDo(draft: Draft): Promise<void> {
  const { external, leftOut } = draft.exceptions;
  const unexplained = [...external, ...leftOut].filter(
    (sentence) => !REASONS.some((reason) => reason.test(sentence)),
  );
  expect({ unexplained, problems: draft.problems }).toEqual({ unexplained: [], problems: [] });
  // Beside no schemas.
  const loaded = load({ file: "nowhere/topology.yaml", env: {}, text: draft.text });
  if (!loaded.ok) throw new Error("the draft had no problems");
  const { plan } = await planTopology(loaded.topology, NO_PERMISSIONS);
  const left = plan.entries.filter(({ action }) => action !== "unchanged");
  expect(left.filter(({ action }) => action !== "foreign")).toEqual([]);
  expect(plan.hasDifferences).toBe(false);
  expect(plan.entries.length - left.length).toBeGreaterThan(20);
}

for (const seed of seeds(8)) {
  test(`what random vhost ${seed} has is imported, and the plan of it is empty`, async ({
    vhost,
  }) => {
    const options = { hasPolicies: kind === "rabbitmq", isSound: true };
    const made = await makeRandomVhost(vhost, createRandom(seed), options);
    try {
      await expectNothingToDo((await importFrom(vhost)).draft);
      await expectNothingToDo((await importExported(vhost)).draft);
    } finally {
      await made.close();
    }
  });
}

for (const seed of seeds(4)) {
  test(`random vhost ${seed} is imported with all its circles and lost letters, which are said`, async ({
    vhost,
  }) => {
    const options = { hasPolicies: kind === "rabbitmq", isSound: false };
    const made = await makeRandomVhost(vhost, createRandom(seed), options);
    try {
      const { draft } = await importFrom(vhost);
      const codes = new Set(draft.problems.map(({ code }) => code));
      expect([...codes].filter((code) => !MISTAKES.includes(code))).toEqual([]);
    } finally {
      await made.close();
    }
  });
}

test("auto-delete queues are declared as such, but for those that can't be declared: they and exclusive ones are left out with their bindings", async ({
  vhost,
  client,
}) => {
  const { channel } = client;
  await channel.assertExchange("orders", "topic");
  const own = await channel.assertQueue("", { autoDelete: true });
  const queues = [
    ["kept", { autoDelete: true, durable: true, arguments: { "x-message-ttl": 60_000 } }],
    ["brief", { autoDelete: true, durable: false }],
    ["mine", { autoDelete: true, exclusive: true }],
  ] as const;
  for (const [name, options] of queues) await channel.assertQueue(name, options);
  for (const name of ["kept", "brief", "mine", own.queue]) {
    await channel.bindQueue(name, "orders", "order.#");
  }
  const { text, exceptions, problems } = (await importFrom(vhost)).draft;
  expect(problems).toEqual([]);
  expect([...exceptions.leftOut].sort()).toEqual([
    `queue "${own.queue}": ${GOES}`,
    `queue "brief": ${GOES}`,
    'queue "mine": it is exclusive to a connection, and ends with it',
  ]);
  expect(exceptions.external).toEqual([]);
  const loaded = load({ file: "nowhere/topology.yaml", env: {}, text });
  if (!loaded.ok) throw new Error("the draft had no problems");
  const { queues: declared, bindings } = loaded.topology;
  expect(Object.values(declared).map(({ name, autoDelete }) => [name, autoDelete])).toEqual([
    ["kept", true],
  ]);
  expect(bindings.map(({ destination }) => destination)).toEqual(["kept"]);
  const { plan } = await planTopology(loaded.topology, NO_PERMISSIONS);
  const shown = plan.entries.map(({ action, name }) => `${action} ${name}`);
  expect(shown).toEqual(expect.arrayContaining(["unchanged kept"]));
  expect(plan.hasDifferences).toBe(false);
});

const GOES = "it is auto-delete: it goes with its last consumer";
