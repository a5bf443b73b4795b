import { conforms } from "./case.ts";
import { each } from "./peers.ts";

const KINDS = {
  durable: {},
  transient: { durable: false },
  "auto-delete": { autoDelete: true },
  exclusive: { exclusive: true },
  "exclusive, transient, auto-delete": { exclusive: true, durable: false, autoDelete: true },
};

conforms("a queue of each kind is declared, declared again and found", (peer) =>
  peer.answers(
    each(KINDS, (options, name) => async (ch) => [
      await ch.assertQueue(name, options),
      await ch.assertQueue(name, options),
      await ch.checkQueue(name),
      await ch.deleteQueue(name),
    ]),
  ),
);

conforms("the broker names a queue that is declared without a name", (peer) =>
  peer.answers({
    two: async (ch) => [await ch.assertQueue(), await ch.assertQueue("")],
    "its form": async (ch) => /^amq\.gen-[\w-]{22}$/.test((await ch.assertQueue()).queue),
    "with its own name again": async (ch) => {
      const { queue } = await ch.assertQueue("", { exclusive: true });
      return await ch.assertQueue(queue, { exclusive: true });
    },
    "passive: the last one": async (ch) => {
      const { queue } = await ch.assertQueue("");
      return [queue, await ch.checkQueue("")];
    },
    "as quorum": (ch) => ch.assertQueue("", { arguments: { "x-queue-type": "quorum" } }),
    "as stream": (ch) => ch.assertQueue("", { arguments: { "x-queue-type": "stream" } }),
  }),
);

conforms("the empty name stands for the channel's last queue", (peer) =>
  peer.answers({
    "passive, none yet": (ch) => ch.checkQueue(""),
    "purge, none yet": (ch) => ch.purgeQueue(""),
    "delete, none yet": (ch) => ch.deleteQueue(""),
    "get, none yet": (ch) => ch.get(""),
    "consume, none yet": (ch) => ch.consume("", () => undefined),
    "bind, none yet": (ch) => ch.bindQueue("", "amq.direct", "k"),
    purge: async (ch) => [await ch.assertQueue("q"), await ch.purgeQueue("")],
    get: async (ch) => [await ch.assertQueue("q"), await ch.get("")],
    "bind with a key": async (ch, { publish }) => {
      await ch.assertQueue("q");
      await ch.bindQueue("", "amq.direct", "k");
      return await publish("amq.direct", "k", "a", { mandatory: true });
    },
    "bind without a key": async (ch, { publish }) => {
      await ch.assertQueue("q");
      await ch.bindQueue("", "amq.direct", "");
      return await publish("amq.direct", "q", "a", { mandatory: true });
    },
    "found, not declared": async (ch) => [await ch.checkQueue("q"), await ch.purgeQueue("")],
    delete: async (ch) => [await ch.assertQueue("q"), await ch.deleteQueue("")],
    "then again": (ch) => ch.checkQueue(""),
  }),
);

conforms("a queue is not declared again with another flag", (peer) =>
  peer.answers({
    first: (ch) => ch.assertQueue("q"),
    transient: (ch) => ch.assertQueue("q", { durable: false }),
    autoDelete: (ch) => ch.assertQueue("q", { autoDelete: true }),
    exclusive: (ch) => ch.assertQueue("q", { exclusive: true }),
    "durable first": (ch) => ch.assertQueue("q", { durable: false, autoDelete: true }),
    "exclusive first": (ch) => ch.assertQueue("q", { exclusive: true, durable: false }),
    "flags before arguments": (ch) => ch.assertQueue("q", { durable: false, messageTtl: 1 }),
    "exclusive one": async (ch) => {
      await ch.assertQueue("own", { exclusive: true, durable: false });
      return await ch.assertQueue("own", { durable: false });
    },
    still: (ch) => ch.checkQueue("q"),
  }),
);

conforms("an absent queue is not found, and is deleted all the same", (peer) =>
  peer.answers({
    check: (ch) => ch.checkQueue("gone"),
    purge: (ch) => ch.purgeQueue("gone"),
    get: (ch) => ch.get("gone"),
    consume: (ch) => ch.consume("gone", () => undefined),
    bind: (ch) => ch.bindQueue("gone", "amq.direct", "k"),
    unbind: (ch) => ch.unbindQueue("gone", "amq.direct", "k"),
    delete: (ch) => ch.deleteQueue("gone"),
    "delete if unused and empty": (ch) => ch.deleteQueue("gone", { ifUnused: true, ifEmpty: true }),
  }),
);

conforms("a queue is deleted only if empty and unused, where asked so", (peer) =>
  peer.answers({
    "not empty": async (ch, { fill }) => {
      await ch.assertQueue("q");
      await fill("q", ["a", "b"]);
      return await ch.deleteQueue("q", { ifEmpty: true });
    },
    "in use": async (ch) => {
      await ch.consume("q", () => undefined);
      return await ch.deleteQueue("q", { ifUnused: true });
    },
    both: (ch) => ch.deleteQueue("q", { ifEmpty: true, ifUnused: true }),
    "in use and not empty": async (ch, { fill }) => {
      await ch.prefetch(1);
      await ch.consume("q", () => undefined);
      await fill("q", ["c"]);
      return await ch.deleteQueue("q", { ifEmpty: true, ifUnused: true });
    },
    "empty but for the unacknowledged": async (ch) => {
      await ch.purgeQueue("q");
      await ch.sendToQueue("q", Buffer.from("a"));
      await ch.waitForConfirms();
      await ch.get("q");
      return await ch.deleteQueue("q", { ifEmpty: true });
    },
    "with messages": async (ch, { fill }) => {
      await ch.assertQueue("q");
      await fill("q", ["a", "b"]);
      return await ch.deleteQueue("q");
    },
    gone: (ch) => ch.checkQueue("q"),
  }),
);

conforms("purging takes what is ready, and counts are of what is ready", (peer) =>
  peer.answers({
    purge: async (ch, { fill }) => {
      await ch.assertQueue("q");
      await fill("q", ["a", "b", "c"]);
      await ch.get("q");
      return [await ch.checkQueue("q"), await ch.purgeQueue("q"), await ch.checkQueue("q")];
    },
    "what was held came back": (ch) => ch.get("q", { noAck: true }).then(Boolean),
    "nothing left": (ch) => ch.purgeQueue("q"),
    "deleted with ready ones": async (ch, { fill }) => {
      await fill("q", ["a", "b", "c"]);
      await ch.get("q");
      return await ch.deleteQueue("q");
    },
  }),
);
