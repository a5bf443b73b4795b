import { conforms } from "./case.ts";
import type { Request } from "./client.ts";
import { briefs } from "./observe.ts";

const typed = (type: string, value: unknown) => ({ "!": type, value });

conforms("both ends of a binding have to be there, the source being looked for last", (peer) =>
  peer.answers({
    make: async (ch) => {
      await ch.assertQueue("q");
      await ch.assertExchange("x", "fanout");
    },
    "queue from absent": (ch) => ch.bindQueue("q", "gone", "k"),
    "absent queue": (ch) => ch.bindQueue("gone", "x", "k"),
    "neither, queue": (ch) => ch.bindQueue("gone", "nowhere", "k"),
    "exchange from absent": (ch) => ch.bindExchange("x", "gone", "k"),
    "absent exchange": (ch) => ch.bindExchange("gone", "x", "k"),
    "neither, exchange": (ch) => ch.bindExchange("gone", "nowhere", "k"),
    "unbind absent binding": (ch) => ch.unbindQueue("q", "x", "never"),
    "unbind from absent": (ch) => ch.unbindQueue("q", "gone", "k"),
    "unbind absent queue": (ch) => ch.unbindQueue("gone", "x", "k"),
    "unbind exchange from absent": (ch) => ch.unbindExchange("x", "gone", "k"),
    "unbind absent exchange": (ch) => ch.unbindExchange("gone", "x", "k"),
    "unbind neither": (ch) => ch.unbindExchange("gone", "nowhere", "k"),
    "from and to reserved ones": (ch) => ch.bindExchange("amq.topic", "amq.fanout", "k"),
  }),
);

/** Whether a binding with some arguments is gone after an unbind with others. */
const unbound = (made: object, removed: object): Request => {
  return async (ch, { publish }) => {
    await ch.assertQueue("q");
    await ch.assertExchange("x", "fanout", { durable: false });
    await ch.bindQueue("q", "x", "k", made);
    await ch.unbindQueue("q", "x", "k", removed);
    const outcome = await publish("x", "k", "", { mandatory: true });
    await ch.deleteExchange("x");
    return outcome;
  };
};

conforms("a binding is one by its key and its arguments with their types", (peer) =>
  peer.answers({
    same: unbound({ n: 1 }, { n: 1 }),
    "another order": unbound({ n: 1, m: 2 }, { m: 2, n: 1 }),
    "another value": unbound({ n: 1 }, { n: 2 }),
    "another width": unbound({ n: 1 }, { n: typed("long", 1) }),
    "the same width": unbound({ n: typed("byte", 1) }, { n: 1 }),
    "text for number": unbound({ n: 1 }, { n: "1" }),
    none: unbound({ n: 1 }, {}),
    one: unbound({}, { n: 1 }),
    fewer: unbound({ n: 1, m: 1 }, { n: 1 }),
    nested: unbound({ t: { a: [1, "b"] } }, { t: { a: [1, "b"] } }),
    "nested in another order": unbound({ t: { a: 1, b: 2 } }, { t: { b: 2, a: 1 } }),
    "a list in another order": unbound({ t: [1, 2] }, { t: [2, 1] }),
    "a double": unbound({ n: 0.5 }, { n: typed("float", 0.5) }),
    void: unbound({ n: null }, { n: null }),
    "void and none": unbound({ n: null }, {}),
  }),
);

conforms("the same binding made twice is one", (peer) =>
  peer.answers({
    twice: async (ch, { publish }) => {
      await ch.assertQueue("q");
      await ch.bindQueue("q", "amq.direct", "k", { n: 1 });
      await ch.bindQueue("q", "amq.direct", "k", { n: 1 });
      await ch.unbindQueue("q", "amq.direct", "k", { n: 1 });
      return await publish("amq.direct", "k", "a", { mandatory: true });
    },
    "two that differ by arguments": async (ch, { publish }) => {
      await ch.bindQueue("q", "amq.direct", "k", { n: 1 });
      await ch.bindQueue("q", "amq.direct", "k", { n: 2 });
      await publish("amq.direct", "k", "a");
      const once = await ch.purgeQueue("q");
      await ch.unbindQueue("q", "amq.direct", "k", { n: 1 });
      return [once, await publish("amq.direct", "k", "a", { mandatory: true })];
    },
  }),
);

conforms(
  "exchanges bound to exchanges pass on by their own rules, through a cycle once",
  async (peer) => {
    const client = await peer.connect();
    const { raw, publish } = await client.channel();
    for (const [name, type] of Object.entries({ t: "topic", f: "fanout", d: "direct" })) {
      await raw.assertExchange(name, type);
      await raw.assertQueue(`q.${name}`);
    }
    await raw.bindExchange("f", "t", "a.#");
    await raw.bindExchange("d", "f", "");
    await raw.bindExchange("t", "d", "a.b");
    await raw.bindExchange("f", "f", "");
    await raw.bindQueue("q.t", "t", "*.b");
    await raw.bindQueue("q.f", "f", "");
    await raw.bindQueue("q.d", "d", "a.b");
    const outcomes: Record<string, unknown> = {};
    for (const exchange of ["t", "f", "d"]) {
      for (const key of ["a.b", "a.c", "x.b", "x"]) {
        const body = `${exchange} ${key}`;
        outcomes[body] = await publish(exchange, key, body, { mandatory: true });
      }
    }
    for (const queue of ["q.t", "q.f", "q.d"]) outcomes[queue] = briefs(await client.drain(queue));
    return outcomes;
  },
);

conforms("an exchange that leads nowhere returns what is mandatory", (peer) =>
  peer.answers({
    make: async (ch) => {
      await ch.assertExchange("x", "topic");
      await ch.assertExchange("end", "fanout");
      await ch.bindExchange("end", "x", "#");
    },
    mandatory: (_, { publish }) => publish("x", "k", "a", { mandatory: true }),
    "not mandatory": (_, { publish }) => publish("x", "k", "a"),
    "with a queue at the end": async (ch, { publish }) => {
      await ch.assertQueue("q");
      await ch.bindQueue("q", "end", "");
      return await publish("x", "k", "a", { mandatory: true });
    },
    "the queue deleted": async (ch, { publish }) => {
      await ch.deleteQueue("q");
      return await publish("x", "k", "a", { mandatory: true });
    },
    "bindings of a deleted queue do not come back": async (ch, { publish }) => {
      await ch.assertQueue("q");
      return await publish("x", "k", "a", { mandatory: true });
    },
  }),
);
