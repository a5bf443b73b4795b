import { openManagement } from "../../support/management.ts";
import { expect, test } from "../../support/test.ts";
import type { Vhost } from "../../support/vhost.ts";
import { CLASSIC, describeQueue, leftovers, QUORUM, replace } from "./replacing.ts";

async function setPolicy({ vhost, managementUrl }: Vhost, definition: object): Promise<void> {
  const policy = { pattern: "^q", definition, "apply-to": "queues" };
  await openManagement(managementUrl).put(`policies/${vhost}/short`, policy);
}

test("a policy that would make the other queue drop messages blocks it", async ({
  vhost,
  client,
}) => {
  await client.channel.assertQueue("q", { arguments: CLASSIC });
  await setPolicy(vhost, { "max-length": 5, "message-ttl": 60_000 });
  await expect(replace(vhost, { queue: "q", from: CLASSIC, to: QUORUM })).rejects.toMatchObject({
    code: "replace-blocked",
    message: `queue "q" can't be replaced: policy "short" (max-length) would apply to "q~migrating", which has to keep everything: narrow its pattern meanwhile`,
  });
  expect((await describeQueue(vhost, "q")).arguments).toEqual(CLASSIC);
  expect(await leftovers(vhost)).toEqual([]);
});

test("dead letters that a policy has the queue keep until they find a way are waited for", async ({
  vhost,
  client,
}) => {
  const { channel } = client;
  const from = { ...QUORUM, "x-overflow": "reject-publish" };
  await setPolicy(vhost, {
    "dead-letter-exchange": "nowhere",
    "dead-letter-strategy": "at-least-once",
    overflow: "reject-publish",
  });
  await channel.assertQueue("q", { arguments: from });
  await client.publish("", "q", "dead");
  const got = await channel.get("q", { noAck: false });
  if (got) channel.reject(got, false);
  const change = { queue: "q", from, to: CLASSIC };
  await expect(replace(vhost, change, { stallMs: 9_000 })).rejects.toMatchObject({
    code: "replace-stalled",
    message: expect.stringMatching(
      /1 dead letter that found no way yet, .*; it is as it was before$/,
    ),
  });
  expect((await describeQueue(vhost, "q")).arguments).toEqual(from);
});
