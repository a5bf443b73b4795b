import { NO_PERMISSIONS } from "../../../src/apply/change/options.ts";
import { openManagement } from "../../support/management.ts";
import { expect, test } from "../../support/test.ts";
import type { Vhost } from "../../support/vhost.ts";
import { apply, changesOf, PRUNE, stateOf } from "../applying.ts";

const QUEUES = `
queues: { q: { type: classic, handler: none, deadLetter: none } }
`;
const withPolicy = (definition: string) => `${QUEUES}
policies: { short: { pattern: "^q$", applyTo: queues, priority: 3, definition: ${definition} } }
`;

async function policiesIn(vhost: Vhost) {
  return await vhost.management<readonly object[]>("policies/{vhost}");
}

test("a policy is set, updated where it differs, and removed by a prune", async ({ vhost }) => {
  const created = await apply(vhost, withPolicy("{ max-length: 10 }"));
  expect(changesOf(created)).toEqual(["created queue q", "created policy short"]);
  expect(await policiesIn(vhost)).toMatchObject([
    {
      name: "short",
      pattern: "^q$",
      "apply-to": "queues",
      priority: 3,
      definition: { "max-length": 10 },
    },
  ]);
  expect((await stateOf(vhost))?.owned.policies).toEqual(["short"]);

  const updated = await apply(vhost, withPolicy("{ max-length: 20, message-ttl: 5000 }"));
  expect(changesOf(updated)).toEqual(["updated policy short"]);
  expect(
    changesOf(await apply(vhost, withPolicy("{ message-ttl: 5000, max-length: 20 }"))),
  ).toEqual([]);

  expect(changesOf(await apply(vhost, QUEUES))).toEqual([
    "kept policy short: made by warren, not in the file: needs --prune",
  ]);
  expect(changesOf(await apply(vhost, QUEUES, { permissions: PRUNE }))).toEqual([
    "removed policy short",
  ]);
  expect(await policiesIn(vhost)).toEqual([]);
});

test("a policy that somebody else made and that differs is in the way, and adopted on demand", async ({
  vhost,
}) => {
  const body = { pattern: ".*", definition: { "max-length": 5 }, "apply-to": "all" };
  await openManagement(vhost.managementUrl).put(`policies/${vhost.vhost}/short`, body);
  const refused = await apply(vhost, withPolicy("{ max-length: 10 }"));
  expect(refused).toMatchObject({ isDone: false, generation: 0 });
  expect(changesOf(refused)).toEqual([expect.stringMatching(/^conflict policy short: .*--adopt/)]);
  expect(await vhost.queueCounts("q")).toBeUndefined();

  const permissions = { ...NO_PERMISSIONS, adopt: true };
  const adopted = await apply(vhost, withPolicy("{ max-length: 10 }"), { permissions });
  expect(changesOf(adopted)).toEqual(["created queue q", "updated policy short"]);
});

test("without the management API a file with policies is refused, before the broker is touched", async ({
  vhost,
}) => {
  const applying = apply(vhost, withPolicy("{ max-length: 10 }"), { way: "amqp" });
  await expect(applying).rejects.toMatchObject({
    code: "policies-need-management",
    message: 'policy "short" can be set by the management API alone',
    at: { line: 8 },
  });
  expect(await vhost.queueCounts("q")).toBeUndefined();
});

test("a policy that the user may not set is refused, and the rest is done", async ({
  vhost,
  user,
}) => {
  const topology = `
exchanges: { x: { type: topic } }
queues: { q: { type: classic, bind: { x: "#" }, handler: none, deadLetter: none } }
policies: { short: { pattern: "^q$", applyTo: queues, definition: { max-length: 10 } } }
`;
  const name = new URL(user.url).username;
  await openManagement(vhost.managementUrl).put(`users/${name}`, {
    password: "first-secret",
    tags: "management",
  });
  const management = Object.assign(new URL(vhost.managementUrl), {
    username: name,
    password: "first-secret",
  }).href;
  const report = await apply({ ...vhost, managementUrl: management }, topology, { url: user.url });
  expect(changesOf(report)).toEqual([
    "created exchange x",
    "created queue q",
    "created binding x -> q  #",
    expect.stringMatching(/^refused policy short: .*401|403/),
  ]);
});
