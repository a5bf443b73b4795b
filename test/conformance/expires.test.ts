import { setTimeout as delay } from "node:timers/promises";
import { conforms } from "./case.ts";
import type { Recorded } from "./channel.ts";
import type { Client } from "./client.ts";
import type { Peer } from "./peers.ts";

const LEASE_MS = 1_000;

/** Queue `q` with a lease, and an exchange `with it` that is gone when it is. */
async function lease(peer: Peer, type: string): Promise<{ client: Client; channel: Recorded }> {
  const client = await peer.connect();
  const channel = await client.channel();
  const args = { "x-queue-type": type, "x-expires": LEASE_MS };
  await channel.raw.assertQueue("q", { arguments: args });
  await channel.raw.assertExchange("with it", "fanout", { autoDelete: true });
  await channel.raw.bindQueue("q", "with it", "");
  return { client, channel };
}

// What may renew a lease.
const USES: Readonly<Record<string, (recorded: Recorded) => Promise<unknown>>> = {
  "a passive declaration": ({ raw }) => raw.checkQueue("q"),
  "a declaration": ({ raw }) => raw.assertQueue("q", { expires: LEASE_MS }),
  "a get": ({ raw }) => raw.get("q"),
  "a publish": ({ publish }) => publish("", "q", "1"),
  "a binding": ({ raw }) => raw.bindQueue("q", "amq.direct", "k"),
  "a purge": ({ raw }) => raw.purgeQueue("q"),
};

conforms("a classic queue that nobody uses goes after its lease", async (peer) => {
  const { client, channel } = await lease(peer, "classic");
  await channel.fill("q", ["1"]);
  const began = performance.now();
  await client.goneExchange("with it");
  const ms = performance.now() - began;
  return ms > LEASE_MS * 0.6 && ms < LEASE_MS * 3 + 500;
});

for (const [name, use] of Object.entries(USES)) {
  conforms(
    `the lease of a classic queue is renewed by some uses and not by others: ${name}`,
    async (peer) => {
      const { client, channel } = await lease(peer, "classic");
      await delay(LEASE_MS / 2);
      await use(channel);
      // Gone by now, if the lease was not renewed.
      await delay(LEASE_MS * 0.75);
      const isThere = await client.answer((ch) => ch.checkExchange("with it"));
      await client.goneExchange("with it");
      return isThere;
    },
  );
}

// RabbitMQ looks at the leases of quorum queues every five seconds.
for (const type of ["classic", "quorum"]) {
  conforms(`a ${type} queue does not go while it has a consumer, and does after`, async (peer) => {
    const { client, channel } = await lease(peer, type);
    await channel.raw.consume("q", () => undefined, { consumerTag: "tag" });
    await delay(1.5 * LEASE_MS);
    const during = await client.answer((ch) => ch.checkExchange("with it"));
    await channel.raw.cancel("tag");
    await client.goneExchange("with it");
    return during;
  });
}
