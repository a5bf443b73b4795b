import { breakRules } from "../support/protocol.ts";
import { conforms } from "./case.ts";
import { brief } from "./observe.ts";

conforms("an exclusive queue is locked for every other connection", async (peer) => {
  const owner = await peer.connect();
  const [first, second] = [await owner.channel(), await owner.channel()];
  await first.raw.assertQueue("q", { exclusive: true, durable: false, messageTtl: 60_000 });
  const same = await second.answer(() => second.raw.checkQueue("q"));
  const others = await peer.answers({
    passive: (ch) => ch.checkQueue("q"),
    same: (ch) => ch.assertQueue("q", { exclusive: true, durable: false, messageTtl: 60_000 }),
    "other arguments": (ch) => ch.assertQueue("q", { exclusive: true, durable: true }),
    "not exclusive": (ch) => ch.assertQueue("q"),
    consume: (ch) => ch.consume("q", () => undefined),
    get: (ch) => ch.get("q"),
    purge: (ch) => ch.purgeQueue("q"),
    bind: (ch) => ch.bindQueue("q", "amq.fanout", ""),
    unbind: (ch) => ch.unbindQueue("q", "amq.fanout", ""),
    delete: (ch) => ch.deleteQueue("q"),
    "delete if unused": (ch) => ch.deleteQueue("q", { ifUnused: true }),
    publish: (_, { publish }) => publish("", "q", "a", { mandatory: true }),
  });
  const own = await owner.answer((ch) => ch.get("q", { noAck: true }).then((m) => m && brief(m)));
  return { same, others, own };
});

conforms("an exclusive queue goes with its connection, not with its channel", async (peer) => {
  const owner = await peer.connect();
  const other = await peer.connect();
  const channel = await owner.channel();
  await channel.raw.assertQueue("q", { exclusive: true });
  await channel.fill("q", ["a"]);
  await channel.close();
  const kept = await owner.answer((ch) => ch.checkQueue("q"));
  await owner.close();
  await other.gone("q");
  return [kept, await other.answer((ch) => ch.assertQueue("q"))];
});

conforms(
  "an exclusive queue goes when its connection is cut or closed by an error",
  async (peer) => {
    const other = await peer.connect();
    const cut = await peer.connect();
    await (await cut.channel()).raw.assertQueue("cut", { exclusive: true });
    cut.cut();
    await other.gone("cut");
    const wrong = await peer.connect();
    const channel = await wrong.channel();
    await channel.raw.assertQueue("wrong", { exclusive: true });
    const error = await channel.answer(async () => {
      breakRules(channel.raw);
      return await channel.ended;
    });
    await other.gone("wrong");
    return error;
  },
);

conforms("a queue that deletes itself goes with its last consumer, if it had one", async (peer) => {
  const client = await peer.connect();
  const { raw, close } = await client.channel();
  const seen: unknown[] = [await raw.assertQueue("q", { autoDelete: true })];
  await raw.get("q");
  await raw.consume("q", () => undefined, { consumerTag: "a" });
  await raw.consume("q", () => undefined, { consumerTag: "b" });
  await raw.cancel("a");
  seen.push(await raw.checkQueue("q"));
  await raw.cancel("b");
  seen.push(await client.answer((ch) => ch.checkQueue("q")));
  await raw.assertQueue("q", { autoDelete: true });
  await raw.consume("q", () => undefined);
  await close();
  await client.gone("q");
  return seen;
});
