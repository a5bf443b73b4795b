import { conforms } from "./case.ts";
import type { Request } from "./client.ts";
import { each } from "./peers.ts";

const declare = (name: string, args: object): Request => {
  return (ch) => ch.assertExchange(name, "direct", { arguments: args });
};

conforms("an exchange of each type is declared, declared again and found", (peer) =>
  peer.answers({
    ...each({ direct: 1, fanout: 1, topic: 1, headers: 1 }, (_, type) => async (ch) => [
      await ch.assertExchange("x", type, { durable: false }),
      await ch.assertExchange("x", type, { durable: false }),
      await ch.checkExchange("x"),
      await ch.deleteExchange("x"),
    ]),
  }),
);

conforms("an exchange is not declared again with another type or flag", (peer) =>
  peer.answers({
    first: (ch) => ch.assertExchange("x", "topic"),
    type: (ch) => ch.assertExchange("x", "direct"),
    transient: (ch) => ch.assertExchange("x", "topic", { durable: false }),
    autoDelete: (ch) => ch.assertExchange("x", "topic", { autoDelete: true }),
    internal: (ch) => ch.assertExchange("x", "topic", { internal: true }),
    "type first": (ch) => ch.assertExchange("x", "fanout", { durable: false, internal: true }),
    "durable first": (ch) => ch.assertExchange("x", "topic", { durable: false, autoDelete: true }),
    "then auto_delete": (ch) =>
      ch.assertExchange("x", "topic", { autoDelete: true, internal: true }),
    still: (ch) => ch.checkExchange("x"),
  }),
);

conforms("of an exchange's arguments the alternate exchange alone is compared", (peer) =>
  peer.answers({
    bare: declare("bare", {}),
    "bare, given one": declare("bare", { "alternate-exchange": "a" }),
    "bare, given another argument": declare("bare", { "x-colour": "red" }),
    with: declare("with", { "alternate-exchange": "a", "x-colour": "red" }),
    "with, the same": declare("with", { "alternate-exchange": "a", "x-colour": "blue" }),
    "with, another": declare("with", { "alternate-exchange": "b" }),
    "with, none": declare("with", {}),
    "with, of another type": declare("with", { "alternate-exchange": 1 }),
    "bare, of another type": declare("bare", { "alternate-exchange": 1 }),
    "with, quoted": declare("with", { "alternate-exchange": "it's, 'b'" }),
  }),
);

conforms("an alternate exchange of a wrong type is refused, an absent one is not", (peer) =>
  peer.answers({
    ...each<unknown>(
      { number: 1, bool: true, table: { a: 1 }, array: ["a"], void: null, float: 1.5 },
      (value) => declare("x", { "alternate-exchange": value }),
    ),
    "was made": (ch) => ch.checkExchange("x"),
    empty: declare("empty", { "alternate-exchange": "" }),
    absent: declare("absent", { "alternate-exchange": "gone" }),
    itself: declare("itself", { "alternate-exchange": "itself" }),
  }),
);

conforms("an absent exchange is not found, and is deleted all the same", (peer) =>
  peer.answers({
    check: (ch) => ch.checkExchange("gone"),
    delete: (ch) => ch.deleteExchange("gone"),
    "delete if unused": (ch) => ch.deleteExchange("gone", { ifUnused: true }),
  }),
);

conforms("an exchange is deleted with its bindings, and only if unused where asked so", (peer) =>
  peer.answers({
    make: async (ch) => {
      await ch.assertExchange("x", "fanout");
      await ch.assertExchange("up", "fanout");
      await ch.assertQueue("q");
      await ch.bindQueue("q", "x", "");
      await ch.bindExchange("x", "up", "");
    },
    "if unused": (ch) => ch.deleteExchange("x", { ifUnused: true }),
    still: (ch) => ch.checkExchange("x"),
    unbind: (ch) => ch.unbindQueue("q", "x", ""),
    "if unused, only a destination": (ch) => ch.deleteExchange("x", { ifUnused: true }),
    gone: (ch) => ch.checkExchange("x"),
    "to the source": (_, { publish }) => publish("up", "", "a", { mandatory: true }),
    again: async (ch, { publish }) => {
      await ch.assertExchange("x", "fanout");
      return await publish("x", "", "a", { mandatory: true });
    },
  }),
);

conforms("an exchange that deletes itself goes with its last binding as a source", (peer) =>
  peer.answers({
    make: async (ch) => {
      await ch.assertExchange("x", "fanout", { autoDelete: true });
      await ch.assertExchange("down", "fanout");
      await ch.assertExchange("up", "fanout");
      await ch.assertQueue("q");
      await ch.bindExchange("x", "up", "");
      await ch.unbindExchange("x", "up", "");
    },
    "never a source": (ch) => ch.checkExchange("x"),
    bind: async (ch) => {
      await ch.bindQueue("q", "x", "");
      await ch.bindExchange("down", "x", "");
    },
    "unbind one": (ch) => ch.unbindQueue("q", "x", ""),
    still: (ch) => ch.checkExchange("x"),
    "unbind the other": (ch) => ch.unbindExchange("down", "x", ""),
    gone: (ch) => ch.checkExchange("x"),
  }),
);

conforms("an exchange that deletes itself goes with the queue or exchange it is bound to", (peer) =>
  peer.answers({
    make: async (ch) => {
      for (const name of ["x", "y", "z"]) {
        await ch.assertExchange(name, "fanout", { autoDelete: true });
      }
      await ch.assertExchange("end", "fanout");
      await ch.assertQueue("q");
      await ch.bindQueue("q", "x", "");
      await ch.bindExchange("x", "y", "");
      await ch.bindExchange("end", "z", "");
    },
    "delete queue": (ch) => ch.deleteQueue("q"),
    "delete exchange": (ch) => ch.deleteExchange("end"),
    x: (ch) => ch.checkExchange("x"),
    "y, whose only destination was x": (ch) => ch.checkExchange("y"),
    z: (ch) => ch.checkExchange("z"),
  }),
);
