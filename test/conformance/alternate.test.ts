import { conforms } from "./case.ts";
import { headersOf, whole } from "./observe.ts";

conforms("what an exchange cannot route goes to its alternate, with all it has", async (peer) => {
  const client = await peer.connect();
  const { raw, publish } = await client.channel();
  await raw.assertExchange("rest", "fanout");
  await raw.assertExchange("x", "direct", { alternateExchange: "rest" });
  for (const queue of ["q", "r"]) await raw.assertQueue(queue);
  await raw.bindQueue("q", "x", "k");
  await raw.bindQueue("r", "rest", "");
  const outcomes = [];
  for (const key of ["k", "other"]) {
    outcomes.push(await publish("x", key, key, { mandatory: true, headers: { a: 1 } }));
  }
  const [routed, rest] = [await client.drain("q"), await client.drain("r")];
  return { outcomes, routed: routed.map(whole), rest: rest.map(whole) };
});

conforms(
  "alternates are followed on and on, through a cycle once, and an absent one is none",
  (peer) =>
    peer.answers({
      chain: async (ch, { publish }) => {
        await ch.assertExchange("a", "direct", { alternateExchange: "b" });
        await ch.assertExchange("b", "direct", { alternateExchange: "c" });
        await ch.assertExchange("c", "direct", { alternateExchange: "a" });
        await ch.assertQueue("q");
        await ch.bindQueue("q", "c", "k");
        return [
          await publish("a", "k", "1", { mandatory: true }),
          await publish("a", "other", "2", { mandatory: true }),
          await ch.checkQueue("q"),
        ];
      },
      absent: async (ch, { publish }) => {
        await ch.assertExchange("d", "direct", { alternateExchange: "gone" });
        return await publish("d", "k", "1", { mandatory: true });
      },
      itself: async (ch, { publish }) => {
        await ch.assertExchange("e", "direct", { alternateExchange: "e" });
        return await publish("e", "k", "1", { mandatory: true });
      },
      internal: async (ch, { publish }) => {
        await ch.assertExchange("f", "direct", { alternateExchange: "g" });
        await ch.assertExchange("g", "fanout", { internal: true });
        await ch.bindQueue("q", "g", "");
        return await publish("f", "k", "1", { mandatory: true });
      },
      "the default exchange": async (ch, { publish }) => {
        await ch.assertExchange("h", "direct", { alternateExchange: "" });
        return await publish("h", "q", "1", { mandatory: true });
      },
    }),
);

conforms(
  "an alternate is used if nothing is bound for the message, whatever becomes of it then",
  (peer) =>
    peer.answers({
      "a binding to an exchange that leads nowhere": async (ch, { publish }) => {
        await ch.assertExchange("rest", "fanout");
        await ch.assertQueue("q");
        await ch.bindQueue("q", "rest", "");
        await ch.assertExchange("x", "direct", { alternateExchange: "rest" });
        await ch.assertExchange("end", "fanout");
        await ch.bindExchange("end", "x", "k");
        return await publish("x", "k", "1", { mandatory: true });
      },
      "one of two keys routed, by CC": async (ch, { publish }) => {
        await ch.assertQueue("r");
        await ch.bindQueue("r", "x", "cc");
        const outcome = await publish("x", "none", "2", { mandatory: true, CC: ["cc"] });
        return [outcome, await ch.checkQueue("q"), await ch.checkQueue("r")];
      },
      "neither of two keys": async (ch, { publish }) => {
        const outcome = await publish("x", "none", "3", { mandatory: true, CC: ["no"] });
        const message = await ch.get("q", { noAck: true });
        return [outcome, message && headersOf(message)];
      },
      "from another exchange": async (ch, { publish }) => {
        await ch.assertExchange("up", "fanout");
        await ch.bindExchange("x", "up", "");
        return [await publish("up", "none", "4", { mandatory: true }), await ch.checkQueue("q")];
      },
    }),
);
