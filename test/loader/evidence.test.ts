/** What the rules of docs/lint.md say of brokers. */
import { expect, test } from "../support/test.ts";
import { waitFor } from "../support/wait-for.ts";

type Counts = { readonly messages?: number; readonly messages_ready?: number };

/** A dead letter that no queue has taken is no message that waits, and is there. */
const isHeld = (counts: Counts | undefined) =>
  counts?.messages === 1 && counts.messages_ready === 0;

const name = (queue: string) => ({
  "x-dead-letter-exchange": "",
  "x-dead-letter-routing-key": queue,
});
/** A queue that is full with its first message. */
const full = (overflow: string) => ({ "x-max-length": 1, "x-overflow": overflow });

test("what expires in a classic queue is lost where a full queue refuses it", async ({
  client,
  vhost,
}) => {
  const { channel, publish } = client;
  await channel.assertQueue("parked", { arguments: full("reject-publish") });
  await channel.assertQueue("waiting", { arguments: { "x-message-ttl": 100, ...name("parked") } });
  await publish("", "parked", "the first");
  await publish("", "waiting", "the second");
  await vhost.waitForCounts("waiting", { ready: 0 });
  expect((await vhost.get("parked"))?.body).toBe("the first");
  // A queue that kept it would send it now, as a queue that dead-letters at least once does.
  await publish("", "waiting", "the third");
  await vhost.waitForCounts("parked", { ready: 1 });
  expect((await vhost.get("parked"))?.body).toBe("the third");
});

test("a retry that comes back to a full queue with reject-publish-dlx is a dead letter, and is kept", async ({
  client,
  vhost,
}) => {
  const { channel, publish } = client;
  await channel.assertQueue("dead");
  const work = { ...full("reject-publish-dlx"), ...name("dead") };
  await channel.assertQueue("work", { arguments: work });
  await channel.assertQueue("delay", {
    arguments: {
      "x-queue-type": "quorum",
      "x-message-ttl": 100,
      "x-dead-letter-strategy": "at-least-once",
      "x-overflow": "reject-publish",
      ...name("work"),
    },
  });
  await publish("", "work", "the first");
  await publish("", "delay", "a retry");
  await vhost.waitForCounts("dead", { ready: 1 });
  expect((await vhost.get("dead"))?.body).toBe("a retry");
  await waitFor(
    async (seen) => isHeld(seen(await vhost.management<Counts>("queues/{vhost}/delay"))),
    {
      what: "the delay queue to hold the retry as well",
    },
  );
});

test("ttl counts anew when a message comes back", async ({ client, vhost }) => {
  const { channel, publish } = client;
  await channel.assertQueue("work", { arguments: { "x-message-ttl": 2_000 } });
  await channel.assertQueue("delay", { arguments: { "x-message-ttl": 3_000, ...name("work") } });
  await publish("", "delay", "older than the ttl of its queue");
  await vhost.waitForCounts("work", { ready: 1 });
});
