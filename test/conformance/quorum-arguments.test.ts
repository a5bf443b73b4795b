import { ANYTHING, declareEach } from "./arguments.ts";
import { conforms } from "./case.ts";
import { each } from "./peers.ts";
import { changed } from "./versions.ts";

const FEW = { zero: 0, one: 1, negative: -1, "below that": -2, float: 1.5, text: "1", yes: true };

for (const argument of [
  "x-expires",
  "x-message-ttl",
  "x-max-length",
  "x-delivery-limit",
  "x-quorum-initial-group-size",
  "x-single-active-consumer",
]) {
  conforms(`${argument} of a quorum queue is checked`, (peer) =>
    declareEach(peer, "quorum", argument, FEW),
  );
}

conforms("x-overflow of a quorum queue is one of three words, of which it knows two", (peer) =>
  declareEach(peer, "quorum", "x-overflow", {
    "drop-head": "drop-head",
    "reject-publish": "reject-publish",
    "reject-publish-dlx": "reject-publish-dlx",
    another: "drop-tail",
    one: 1,
  }),
);

conforms("dead lettering of a quorum queue is checked, but not whether it fits together", (peer) =>
  peer.answers(
    each<object>(
      {
        "at least once": { strategy: "at-least-once", exchange: "x", overflow: "reject-publish" },
        "at least once, dropping": { strategy: "at-least-once", exchange: "x" },
        "at least once, without an exchange": { strategy: "at-least-once" },
        "at most once": { strategy: "at-most-once", exchange: "x" },
        "another strategy": { strategy: "twice", exchange: "x" },
        "a strategy of a wrong type": { strategy: 1 },
        "a key without an exchange": { "routing-key": "k" },
        "an exchange of a wrong type": { exchange: 1 },
      },
      ({ overflow, ...others }: { readonly overflow?: string }) =>
        async (ch) => {
          const dead = Object.entries(others).map(([name, value]) => [
            `x-dead-letter-${name}`,
            value,
          ]);
          const args = { "x-queue-type": "quorum", ...Object.fromEntries(dead) };
          await ch.assertQueue("q", { arguments: args, ...(overflow && { overflow }) });
          await ch.deleteQueue("q");
        },
    ),
  ),
);

for (const type of ["quorum", "stream"]) {
  conforms(`a ${type} queue is durable and belongs to everyone`, (peer) =>
    peer.answers(
      each(
        {
          transient: { durable: false },
          exclusive: { exclusive: true },
          "auto-delete": { autoDelete: true },
          "transient and exclusive": { durable: false, exclusive: true },
          "exclusive and auto-delete": { exclusive: true, autoDelete: true },
          all: { durable: false, exclusive: true, autoDelete: true },
          "and a wrong argument": { durable: false, messageTtl: -1 },
        },
        (options) => (ch) =>
          ch.assertQueue("q", { ...options, arguments: { "x-queue-type": type } }),
      ),
    ),
  );
}

const BAD_AGE =
  "channel 406 PRECONDITION_FAILED - invalid arg 'x-max-age' for queue 'q' in vhost '<vhost>': invalid_max_age (50.10)";
const BAD_AGES = { empty: BAD_AGE, negative: BAD_AGE };

conforms(
  "x-max-age of a stream is a number with a unit",
  (peer) =>
    declareEach(peer, "stream", "x-max-age", {
      days: "7D",
      hours: "1h",
      minutes: "1m",
      months: "1M",
      years: "1Y",
      seconds: "1s",
      "without a unit": "7",
      "unknown unit": "7d",
      "a fraction": "1.5h",
      negative: "-1h",
      empty: "",
      number: 7,
    }),
  {
    older: [
      changed("4.3.0", "the channel failed over what is no number", BAD_AGES, {
        empty: "connection 541 INTERNAL_ERROR",
        negative: "connection 541 INTERNAL_ERROR",
      }),
    ],
  },
);

for (const argument of ["x-max-length-bytes", "x-initial-cluster-size"]) {
  conforms(`${argument} of a stream is a number`, (peer) =>
    declareEach(peer, "stream", argument, FEW),
  );
}

conforms("x-stream-max-segment-size-bytes of a stream is a number up to 3 GB", (peer) =>
  declareEach(peer, "stream", "x-stream-max-segment-size-bytes", {
    ...FEW,
    most: { "!": "long", value: 3_000_000_000 },
    more: { "!": "long", value: 3_000_000_001 },
  }),
);

conforms(
  "an argument that no type knows is taken as it is by a quorum queue and a stream",
  async (peer) => ({
    quorum: await declareEach(peer, "quorum", "x-mesage-ttl", ANYTHING),
    stream: await declareEach(peer, "stream", "x-mesage-ttl", { text: "a" }),
  }),
);
