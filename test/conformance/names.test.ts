import { conforms } from "./case.ts";
import { each } from "./peers.ts";
import { unknownTypeClosesConnection } from "./versions.ts";

const PREDECLARED = {
  "amq.direct": "direct",
  "amq.fanout": "fanout",
  "amq.topic": "topic",
  "amq.headers": "headers",
  "amq.match": "headers",
};

conforms("the exchanges that are there from the start can be declared as they are", (peer) =>
  peer.answers({
    ...each(PREDECLARED, (type, name) => (ch) => ch.assertExchange(name, type)),
    passive: (ch) => ch.checkExchange("amq.topic"),
    "another type": (ch) => ch.assertExchange("amq.direct", "fanout"),
    transient: (ch) => ch.assertExchange("amq.direct", "direct", { durable: false }),
    "an argument": (ch) => ch.assertExchange("amq.direct", "direct", { alternateExchange: "a" }),
    "absent, passive": (ch) => ch.checkExchange("amq.gone"),
    "of logs and traces": (ch) => ch.checkExchange("amq.rabbitmq.trace"),
  }),
);

conforms("names with amq. in front are refused for what is not there yet", (peer) =>
  peer.answers({
    exchange: (ch) => ch.assertExchange("amq.mine", "direct"),
    "exchange, of unknown type": (ch) =>
      ch.assertExchange("amq.mine", "direct", { internal: true }),
    queue: (ch) => ch.assertQueue("amq.mine"),
    "queue, exclusive": (ch) => ch.assertQueue("amq.mine", { exclusive: true }),
    "queue, passive": (ch) => ch.checkQueue("amq.mine"),
    "without the dot": (ch) => ch.assertQueue("amqmine"),
    "in capitals": (ch) => ch.assertQueue("AMQ.mine"),
    "delete exchange": (ch) => ch.deleteExchange("amq.direct"),
    "delete exchange if unused": (ch) => ch.deleteExchange("amq.direct", { ifUnused: true }),
    "delete absent exchange": (ch) => ch.deleteExchange("amq.gone"),
    "delete absent queue": (ch) => ch.deleteQueue("amq.gone"),
  }),
);

conforms("the default exchange can be found and nothing else", (peer) =>
  peer.answers({
    queue: (ch) => ch.assertQueue("q"),
    passive: (ch) => ch.checkExchange(""),
    declare: (ch) => ch.assertExchange("", "direct"),
    "declare, of another type": (ch) => ch.assertExchange("", "fanout"),
    delete: (ch) => ch.deleteExchange(""),
    "bind queue": (ch) => ch.bindQueue("q", "", "k"),
    "bind queue, as it is": (ch) => ch.bindQueue("q", "", "q"),
    "bind absent queue": (ch) => ch.bindQueue("gone", "", "gone"),
    "unbind queue": (ch) => ch.unbindQueue("q", "", "q"),
    "bind exchange from": (ch) => ch.bindExchange("amq.direct", "", "k"),
    "bind exchange to": (ch) => ch.bindExchange("", "amq.direct", "k"),
    "unbind exchange from": (ch) => ch.unbindExchange("amq.direct", "", "k"),
    "unbind exchange to": (ch) => ch.unbindExchange("", "amq.direct", "k"),
  }),
);

const longest = "n".repeat(255);
const NAMES = { longest, utf8: "größe→", spaces: " a b ", control: "a\u0001" };

conforms("any other name of up to 255 bytes will do", (peer) =>
  peer.answers({
    ...each(NAMES, (name, what) => async (ch, { publish }) => [
      await ch.assertExchange(`${name}`, "fanout"),
      await ch.checkExchange(name),
      await ch.assertQueue(name),
      await ch.bindQueue(name, name, what),
      await publish(name, name, name, { mandatory: true }),
      await ch.deleteQueue(name),
      await ch.deleteExchange(name),
    ]),
    "texts are cut": (ch) => ch.checkQueue("n".repeat(230)),
    "texts of two names": async (ch) => {
      await ch.assertExchange(longest, "fanout");
      await ch.assertExchange(longest, "direct");
    },
  }),
);

conforms(
  "an exchange of a type that nobody knows is refused",
  (peer) =>
    peer.answers({
      unknown: (ch) => ch.assertExchange("x", "no-such-type"),
      "not an atom": (ch) => ch.assertExchange("x", "x".repeat(200)),
      "with amq.": (ch) => ch.assertExchange("amq.mine", "no-such-type"),
      "without a type": (ch) => ch.assertExchange("x", ""),
      "of the existing, another unknown type": async (ch) => {
        await ch.assertExchange("y", "direct");
        await ch.assertExchange("y", "no-such-type");
      },
    }),
  { older: [unknownTypeClosesConnection] },
);

conforms("line ends are taken out of the names that are declared", (peer) =>
  peer.answers({
    exchange: (ch) => ch.assertExchange("x\r\ny", "fanout"),
    "exchange without": (ch) => ch.checkExchange("xy"),
    "exchange with": (ch) => ch.checkExchange("x\ny"),
    queue: (ch) => ch.assertQueue("q\nr"),
    "queue without": (ch) => ch.checkQueue("qr"),
    "queue with": (ch) => ch.checkQueue("\nqr\n"),
    bind: (ch) => ch.bindQueue("q\nr", "x\ny", ""),
    "publish with": (_, { publish }) => publish("x\ny", "", "a"),
    publish: (_, { publish }) => publish("xy", "", "a", { mandatory: true }),
    "get with": (ch) => ch.get("q\nr"),
    purge: (ch) => ch.purgeQueue("q\nr"),
    "delete queue": (ch) => ch.deleteQueue("q\nr"),
    "delete exchange": (ch) => ch.deleteExchange("x\ny"),
    left: (ch) => ch.checkExchange("xy"),
  }),
);
