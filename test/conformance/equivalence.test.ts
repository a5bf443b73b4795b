import { conforms } from "./case.ts";
import { each, type Peer } from "./peers.ts";
import { changed } from "./versions.ts";

const typed = (type: string, value: unknown) => ({ "!": type, value });

/** Declares a queue, and then the same with each of these arguments. */
async function redeclare(peer: Peer, first: object, later: Readonly<Record<string, object>>) {
  const client = await peer.connect();
  await client.answer((ch) => ch.assertQueue("q", { arguments: first }));
  return await peer.answers(
    each(later, (args) => (ch) => ch.assertQueue("q", { arguments: args })),
  );
}

conforms("numbers are the same whatever their width", (peer) =>
  redeclare(
    peer,
    { "x-message-ttl": 500 },
    {
      int: { "x-message-ttl": typed("int", 500) },
      long: { "x-message-ttl": typed("long", 500) },
      "unsigned int": { "x-message-ttl": typed("uint32", 500) },
      "unsigned short": { "x-message-ttl": typed("uint16", 500) },
      another: { "x-message-ttl": 501 },
      double: { "x-message-ttl": typed("double", 500) },
      float: { "x-message-ttl": typed("float", 500) },
      text: { "x-message-ttl": "500" },
      boolean: { "x-message-ttl": true },
      void: { "x-message-ttl": null },
      time: { "x-message-ttl": typed("timestamp", 500) },
      bytes: { "x-message-ttl": Buffer.from("500") },
      negative: { "x-message-ttl": -1 },
    },
  ),
);

const ARGUMENTS: Readonly<Record<string, unknown>> = {
  "x-expires": 60_000,
  "x-message-ttl": 60_000,
  "x-dead-letter-exchange": "x",
  "x-max-length": 10,
  "x-max-length-bytes": 10_000,
  "x-overflow": "drop-head",
  "x-max-priority": 5,
  "x-single-active-consumer": true,
  "x-queue-mode": "lazy",
  "x-queue-version": 2,
  "x-queue-type": "classic",
  "x-colour": "red",
};

conforms("an argument that was absent is not given later, if it is compared", (peer) =>
  redeclare(
    peer,
    {},
    Object.fromEntries(Object.entries(ARGUMENTS).map(([key, value]) => [key, { [key]: value }])),
  ),
);

conforms("an argument that was given is not left out later, if it is compared", (peer) => {
  const without = (left: string) =>
    Object.fromEntries(Object.entries(ARGUMENTS).filter(([key]) => key !== left));
  return redeclare(peer, ARGUMENTS, {
    "all as they were": ARGUMENTS,
    "x-queue-version": without("x-queue-version"),
    ...Object.fromEntries(Object.keys(ARGUMENTS).map((key) => [key, without(key)])),
  });
});

conforms("an argument does not get another value, if it is compared", (peer) => {
  const others: Readonly<Record<string, unknown>> = {
    "x-expires": 1,
    "x-message-ttl": 1,
    "x-dead-letter-exchange": "y",
    "x-max-length": 1,
    "x-max-length-bytes": 1,
    "x-overflow": "reject-publish",
    "x-max-priority": 6,
    "x-single-active-consumer": false,
    "x-queue-mode": "default",
    "x-queue-version": 1,
    "x-queue-type": "quorum",
    "x-colour": "blue",
  };
  return redeclare(
    peer,
    ARGUMENTS,
    Object.fromEntries(
      Object.entries(others).map(([key, value]) => [key, { ...ARGUMENTS, [key]: value }]),
    ),
  );
});

conforms("text is not quoted or cut in what is said of it", (peer) =>
  redeclare(
    peer,
    { "x-dead-letter-exchange": 'a\'b, "c"\n' },
    {
      other: { "x-dead-letter-exchange": "→ö\u0001" },
      long: { "x-dead-letter-exchange": "l".repeat(300) },
      none: {},
    },
  ),
);

conforms("of several differences the same one is named", (peer) => {
  const first = { "x-message-ttl": 1, "x-expires": 60_000, "x-max-length": 1 };
  return redeclare(peer, first, {
    none: {},
    "all others": { "x-message-ttl": 2, "x-expires": 2, "x-max-length": 2 },
    "without ttl": { "x-expires": 2, "x-max-length": 2 },
    "length and expires": { "x-message-ttl": 1, "x-expires": 2, "x-max-length": 2 },
    "priority and key": { ...first, "x-max-priority": 1, "x-dead-letter-routing-key": "k" },
    "type and more": { "x-queue-type": "quorum", "x-dead-letter-exchange": "x" },
    "type and length": { ...first, "x-queue-type": "quorum", "x-max-length": 2 },
  });
});

const TYPES = ["classic", "quorum", "stream"];

conforms(
  "a queue of one type is none of another",
  async (peer) => {
    const seen: Record<string, unknown> = {};
    const others = TYPES.map((other) => [other, { "x-queue-type": other }]);
    for (const type of TYPES) {
      const own = { "x-queue-type": type };
      seen[type] = await redeclare(peer, own, {
        ...Object.fromEntries(others),
        none: {},
        "an argument of others": { ...own, "x-max-age": "1h", "x-max-priority": 1 },
        "an unknown type": { "x-queue-type": "fast" },
      });
      await peer.answers({ delete: (ch) => ch.deleteQueue("q") });
    }
    return seen;
  },
  {
    older: [
      changed(
        "4.0.0",
        "an absent type was not made the default before it was compared, nor an age a number",
        {
          quorum: { none: isNot("x-queue-type", "received 'classic' but current is 'quorum'") },
          stream: {
            none: isNot("x-queue-type", "received 'classic' but current is 'stream'"),
            "an argument of others": isNot("x-max-age", givenAge("3600000")),
          },
        },
        {
          quorum: { none: isNot("x-queue-type", noneButIs("quorum")) },
          stream: {
            none: isNot("x-queue-type", noneButIs("stream")),
            "an argument of others": isNot("x-max-age", givenAge("1h")),
          },
        },
      ),
      changed(
        "4.3.0",
        "an age was not made a number before it was compared",
        { stream: { "an argument of others": isNot("x-max-age", givenAge("3600000")) } },
        { stream: { "an argument of others": isNot("x-max-age", givenAge("1h")) } },
      ),
    ],
  },
);

function isNot(argument: string, difference: string): string {
  return `channel 406 PRECONDITION_FAILED - inequivalent arg '${argument}' for queue 'q' in vhost '<vhost>': ${difference} (50.10)`;
}

function noneButIs(type: string): string {
  return `received none but current is the value '${type}' of type 'longstr'`;
}

function givenAge(age: string): string {
  return `received the value '${age}' of type 'longstr' but current is none`;
}
