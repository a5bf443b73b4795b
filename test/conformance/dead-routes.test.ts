import { conforms } from "./case.ts";
import { dying, wholeDead } from "./dead-letters.ts";
import { briefs, headersOf, whole } from "./observe.ts";
import { changed, noLastDeath } from "./versions.ts";

const older = [noLastDeath];
const TYPES = ["classic", "quorum"];

for (const type of TYPES) {
  const args = { "x-queue-type": type };

  conforms(
    `a dead letter of a ${type} queue keeps its keys`,
    async (peer) => {
      const all = await dying(peer, args);
      await all.send("1", { CC: ["cc"], BCC: ["bcc"] });
      await all.channel.kill("q");
      return await wholeDead(all, 1);
    },
    { older },
  );

  conforms(
    `a dead letter of a ${type} queue has the key of the queue, but keeps its CC`,
    async (peer) => {
      const all = await dying(peer, { ...args, "x-dead-letter-routing-key": "key" });
      await all.send("1", { CC: ["cc"], BCC: ["bcc"] });
      await all.channel.kill("q");
      return (await wholeDead(all, 1)).map(({ routingKey, headers }) => {
        const { CC = "none" } = headers as { readonly CC?: unknown };
        return { routingKey, CC };
      });
    },
    {
      older: [
        changed(
          "4.0.0",
          "CC was taken away where the queue had a key",
          [{ routingKey: "key", CC: ["cc"] }],
          [{ routingKey: "key", CC: "none" }],
        ),
      ],
    },
  );

  conforms(
    `a dead letter of a ${type} queue is routed by all its keys, or by the queue's`,
    async (peer) => {
      const client = await peer.connect();
      const channel = await client.channel();
      const { raw, kill } = channel;
      await raw.assertExchange("dlx", "direct");
      for (const key of ["q", "r", "cc", "bcc", "key"]) {
        await raw.assertQueue(`by ${key}`);
        await raw.bindQueue(`by ${key}`, "dlx", key);
      }
      const dlx = { ...args, "x-dead-letter-exchange": "dlx" };
      await raw.assertQueue("q", { arguments: dlx });
      await raw.assertQueue("r", { arguments: { ...dlx, "x-dead-letter-routing-key": "key" } });
      for (const queue of ["q", "r"]) {
        await channel.publish("", queue, queue, { CC: ["cc"], BCC: ["bcc"] });
        await kill(queue);
      }
      await client.quiet();
      const reached: Record<string, string> = {};
      for (const key of ["q", "r", "cc", "bcc", "key"]) {
        reached[key] = briefs(await client.drain(`by ${key}`));
      }
      return reached;
    },
  );

  conforms(
    `a dead letter of a ${type} queue goes to a queue by name through the default exchange`,
    async (peer) => {
      const client = await peer.connect();
      const channel = await client.channel();
      const dead = { "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "end" };
      await channel.raw.assertQueue("end");
      await channel.raw.assertQueue("q", { arguments: { ...args, ...dead } });
      await channel.fill("q", ["1"]);
      await channel.kill("q");
      await client.until("end", 1);
      return (await client.drain("end")).map(whole);
    },
    { older },
  );

  conforms(
    `a dead letter of a ${type} queue is lost where no exchange or no queue takes it`,
    async (peer) => {
      const client = await peer.connect();
      const channel = await client.channel();
      const { raw, kill, fill } = channel;
      await raw.assertExchange("dlx", "topic");
      await raw.assertQueue("dead");
      await raw.assertQueue("q", { arguments: { ...args, "x-dead-letter-exchange": "gone" } });
      await raw.assertQueue("r", { arguments: { ...args, "x-dead-letter-exchange": "dlx" } });
      for (const queue of ["q", "r"]) {
        await fill(queue, ["1"]);
        await kill(queue);
        await client.quiet();
      }
      const seen = [await raw.checkQueue("q"), await raw.checkQueue("r")];
      await raw.assertExchange("gone", "fanout");
      await raw.bindQueue("dead", "gone", "");
      await raw.bindQueue("dead", "dlx", "#");
      for (const queue of ["q", "r"]) {
        await fill(queue, ["2"]);
        await kill(queue);
      }
      await client.until("dead", 2);
      return [...seen, briefs(await client.drain("dead"))];
    },
  );
}

conforms("a dead letter that its exchange cannot route goes to the alternate", async (peer) => {
  const client = await peer.connect();
  const channel = await client.channel();
  const { raw } = channel;
  await raw.assertExchange("rest", "fanout", { internal: true });
  await raw.assertExchange("dlx", "direct", { alternateExchange: "rest", internal: true });
  await raw.assertQueue("dead");
  await raw.bindQueue("dead", "rest", "");
  await raw.assertQueue("q", { deadLetterExchange: "dlx" });
  await channel.fill("q", ["1"]);
  await channel.kill("q");
  await client.until("dead", 1);
  return (await client.drain("dead")).map(({ fields }) => fields.exchange);
});

conforms("a dead letter is not returned, nor is its death confirmed as a nack", async (peer) => {
  const client = await peer.connect();
  const channel = await client.channel();
  await channel.raw.assertQueue("q", { deadLetterExchange: "gone", maxLength: 1 });
  const outcomes = [];
  for (const body of ["1", "2"])
    outcomes.push(await channel.publish("", "q", body, { mandatory: true }));
  await client.quiet();
  return { outcomes, returned: channel.returned.map(headersOf) };
});

conforms(
  "a dead letter goes to every queue that its exchange reaches, to each with its own history",
  async (peer) => {
    const all = await dying(peer);
    await all.channel.raw.assertQueue("other");
    await all.channel.raw.bindQueue("other", "dlx", "");
    await all.send("1");
    await all.channel.kill("q");
    const dead = await wholeDead(all, 1);
    return { dead, other: (await all.client.drain("other")).map(whole) };
  },
  { older },
);

conforms(
  "a dead letter is routed by its headers, and by those of its history",
  async (peer) => {
    const client = await peer.connect();
    const channel = await client.channel();
    const { raw } = channel;
    await raw.assertExchange("dlx", "headers");
    const bindings = {
      own: { "x-match": "all", a: "1" },
      history: { "x-match": "any-with-x", "x-first-death-reason": "rejected" },
      last: { "x-match": "any-with-x", "x-last-death-queue": "q" },
    };
    for (const [queue, args] of Object.entries(bindings)) {
      await raw.assertQueue(queue);
      await raw.bindQueue(queue, "dlx", "", args);
    }
    await raw.assertQueue("q", { deadLetterExchange: "dlx" });
    await channel.publish("", "q", "1", { headers: { a: "1" } });
    await channel.kill("q");
    await client.quiet();
    const seen: Record<string, string> = {};
    for (const queue of Object.keys(bindings)) seen[queue] = briefs(await client.drain(queue));
    return seen;
  },
  { older: [changed("4.0.0", "it did not say where it died last", { last: "1" }, { last: "" })] },
);
