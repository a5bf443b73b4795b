import { inject } from "vitest";
import type { LiveQueue } from "../../../src/apply/live.ts";
import { startEmbeddedBroker } from "../../../src/embedded/start.ts";
import { openManagement } from "../../support/management.ts";
import { startProxy } from "../../support/proxy.ts";
import { expect, test } from "../../support/test.ts";
import type { Vhost } from "../../support/vhost.ts";
import { waitFor } from "../../support/wait-for.ts";
import { look } from "./looking.ts";

const isEmbedded = inject("broker").kind === "embedded";

test("a thousand queues are inspected in seven calls", async ({ vhost, client }) => {
  const names = Array.from({ length: 1_000 }, (_, n) => `q${n}`);
  for (const name of names) {
    await client.channel.assertQueue(name, { arguments: { "x-queue-type": "classic" } });
  }
  let calls = 0;
  const openTap = () => {
    calls++;
    return { fromClient: () => undefined, fromTarget: () => undefined, ended: () => undefined };
  };
  const proxy = await startProxy(Number(new URL(vhost.managementUrl).port), { openTap });
  const { queues } = await look({ vhost, management: proxy.url(vhost.managementUrl) });
  await proxy.close();
  expect([...queues.keys()].sort()).toEqual(names.sort());
  // Overview, whoami, exchanges, queues, bindings, policies and consumers.
  expect(calls).toBe(7);
});

test("the broker is named as in every text, without its password", async ({ vhost }) => {
  const { broker, version } = await look({ vhost });
  expect(broker).toMatch(new RegExp(`^.+ ${version} at amqp://guest:\\*\\*\\*@127.0.0.1:\\d+/`));
});

// Two embedded brokers can't be told apart so.
test.skipIf(isEmbedded)(
  "a management API of another broker is said to be one",
  async ({ vhost }) => {
    const other = await startEmbeddedBroker();
    const attempt = look({ vhost, management: other.managementUrl });
    await expect(attempt).rejects.toMatchObject({
      code: "management-mismatch",
      message: expect.stringMatching(
        /^amqp:.* is \S+@\S+ \d\S+, but behind http:\/\/guest:\*\*\*@\S+ is warren@localhost 4\.3\.6$/,
      ),
    });
    await other.stop();
  },
);

test("a management API that does not show the lock that is held is of another broker", async ({
  vhost,
  client,
}) => {
  const ask = { holdsLock: true };
  await expect(look({ vhost, ask })).rejects.toMatchObject({
    code: "management-mismatch",
    message: expect.stringContaining('does not have the lock "warren.test.lock" that is held'),
  });
  await client.channel.assertQueue("warren.test.lock", { exclusive: true, durable: false });
  expect((await look({ vhost, ask })).by).toBe("management");
});

test("wrong credentials, and a user without a permission in the vhost, are refused", async ({
  vhost,
}) => {
  const wrong = vhost.managementUrl.replace("guest:guest@", "guest:wrong@");
  await expect(look({ vhost, management: wrong })).rejects.toMatchObject({
    code: "management-refused",
    message: expect.stringContaining('to user "guest": 401'),
  });
  const stranger = await addReader(vhost, null);
  await expect(look({ vhost, management: stranger.url })).rejects.toMatchObject({
    code: "management-refused",
    message: expect.stringContaining(`user "${stranger.name}"`),
  });
  await stranger.remove();
});

test("a reader with the tag management sees everything but whose consumers there are", async ({
  vhost,
  client,
}) => {
  await client.channel.assertQueue("q", { arguments: { "x-queue-type": "classic" } });
  await client.channel.assertExchange("x", "topic");
  await client.channel.bindQueue("q", "x", "#");
  const reader = await addReader(vhost, "^$");
  const live = await look({ vhost, management: reader.url });
  await reader.remove();
  expect([...live.exchanges.keys()]).toEqual(["x"]);
  expect(live.bindings).toHaveLength(1);
  expect(live.policies).toEqual([]);
  expect((live.queues.get("q") as LiveQueue).counts).toMatchObject({
    ready: 0,
    foreignConsumers: null,
  });
  expect(live.unseen).toEqual([
    `whose consumers there are: user "${reader.name}" would need the tag monitoring for it`,
  ]);
});

test("nothing is looked at over AMQP when the management API fails", async ({ vhost, proxy }) => {
  await expect(
    look({ vhost, management: `http://guest:guest@127.0.0.1:${proxy.port}` }),
  ).rejects.toMatchObject({ code: "management-failed" });
});

test("what is aborted ends at once", async ({ vhost, proxy }) => {
  proxy.stall();
  const given = new AbortController();
  const management = proxy.url(vhost.managementUrl);
  const attempt = look({ vhost, management, signal: given.signal });
  await Promise.race([attempt, waitFor(() => proxy.connections === 1, { what: "the call" })]);
  given.abort();
  await expect(attempt).rejects.toThrow("given up");
});

/** @param pattern of all permissions in the vhost; null: none. */
async function addReader({ vhost, managementUrl }: Vhost, pattern: string | null) {
  const management = openManagement(managementUrl);
  const name = `reader-${vhost}`;
  await management.put(`users/${name}`, { password: "pw", tags: "management" });
  if (pattern !== null) {
    const all = { configure: pattern, write: pattern, read: pattern };
    await management.put(`permissions/${vhost}/${name}`, all);
  }
  const url = Object.assign(new URL(managementUrl), { username: name, password: "pw" }).href;
  return { name, url, remove: () => management.remove(`users/${name}`) };
}
