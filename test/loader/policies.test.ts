/** The settings of policies, held against RabbitMQ. */
import { excludingKey, policyKeys } from "../../src/loader/policy-keys.ts";
import { openManagement } from "../support/management.ts";
import { expect, test } from "../support/test.ts";
import type { Vhost } from "../support/vhost.ts";
import { waitFor } from "../support/wait-for.ts";

/** Since a later version than 3.10, no longer in 4.3, or of a plugin that may be off. */
const ELSEWHERE =
  /^(queue-master-locator|target-group-size|stream-filter-size-bytes|consumer-.*|delayed-retry-.*|federation-.*|shards-per-node|routing-key)$/;
const IN_ALL = [...policyKeys].filter(([key]) => !ELSEWHERE.test(key));
const TYPES = ["classic", "quorum", "stream"] as const;
/** Which 3.10 has for quorum queues and streams alone, and 3.12 for classic queues too. */
const NEWER = new Set(["queue-leader-locator", "max-in-memory-length", "max-in-memory-bytes"]);

/** Sets a policy of this one setting, for the queues whose names begin with it. */
const put = (vhost: Vhost, key: string, value: unknown) =>
  openManagement(vhost.managementUrl).put(`policies/${vhost.vhost}/${key}`, {
    pattern: `^${key}[.]`,
    "apply-to": "queues",
    priority: 0,
    definition: { [key]: value },
  });

function sampleOf(key: string): unknown {
  const { value, choices, form, maximum = 2 } = policyKeys.get(key) ?? {};
  // The largest: one millisecond of `expires` would be the end of the queues.
  if (value === "integer") return maximum;
  return choices?.[0] ?? (form === undefined ? "a" : "7D");
}

test("RabbitMQ takes every setting that the loader takes, and no other", async ({ vhost }) => {
  for (const [key] of IN_ALL) await put(vhost, key, sampleOf(key));
  for (const key of ["x-message-ttl", "mesage-ttl", "max-priority", "queue-type"]) {
    await expect(put(vhost, key, 5)).rejects.toThrow("not recognised policy settings");
  }
});

test("a setting that a queue type can't have keeps the whole policy off it", async ({
  vhost,
  client,
}) => {
  const keys = IN_ALL.map(([key]) => key).filter((key) => !NEWER.has(key));
  for (const key of keys) {
    await put(vhost, key, sampleOf(key));
    for (const type of TYPES) {
      await client.channel.assertQueue(`${key}.${type}`, { arguments: { "x-queue-type": type } });
    }
  }
  const wanted = keys.flatMap((key) =>
    TYPES.filter((type) => excludingKey([key], type) === null).map((type) => `${key}.${type}`),
  );
  await waitFor(async (seen) => seen(await applied(vhost)).join() === wanted.sort().join(), {
    what: `a policy at ${wanted.join(", ")}`,
  });
});

/** The queues that have a policy. */
async function applied({ management }: Vhost): Promise<readonly string[]> {
  const queues = await management<{ name: string; policy: string | null }[]>("queues/{vhost}");
  return (queues ?? [])
    .filter(({ policy }) => policy)
    .map(({ name }) => name)
    .sort();
}
