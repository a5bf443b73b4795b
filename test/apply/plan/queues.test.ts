import { expect, test } from "vitest";
import type { PlanEntry } from "../../../src/apply/planned.ts";
import {
  empty,
  emptyOverAmqp,
  entry,
  type Given,
  livePolicy,
  liveQueue,
  planOf,
  queue,
} from "./given.ts";

const q = queue("q");
const ttl = queue("q", { arguments: { "x-queue-type": "quorum", "x-message-ttl": 5 } });
const classic = { arguments: { "x-queue-type": "classic" } };
const difference = { argument: "x-message-ttl", wanted: "5", live: "none" };
const typeDifference = { argument: "x-queue-type", wanted: '"quorum"', live: '"classic"' };
const steps = "replace = 9 steps, no loss, messages may be delivered twice";
const byName = "dead-letters here by name: none.  publishes by name: not knowable";
const instant =
  "a message published by name in the instant of the replacement can be lost, though confirmed";
const online =
  "without a replacement: leave the file as the broker is, and add a policy with { message-ttl: 5 }";
const allowed = { permissions: { allowReplace: true }, owned: { queues: ["q"] } };

test.each<[string, Given, PlanEntry]>([
  [
    "one that is not there is created",
    { desired: { queues: [q] } },
    entry("create", "queue", "q", { desired: q }),
  ],
  [
    "one that is equal is unchanged, whoever made it",
    { desired: { queues: [q] }, live: [liveQueue("q")] },
    entry("unchanged", "queue", "q", { desired: q, counts: empty }),
  ],
  [
    "one that the user may not see is hidden",
    { desired: { queues: [q] }, hidden: ["q"] },
    entry("hidden", "queue", "q", {
      desired: q,
      blocked: { reason: "403 access to q", flags: [] },
    }),
  ],
  [
    "an external one that is not there is missing",
    { desired: { queues: [queue("q", { isExternal: true })] } },
    entry("missing", "queue", "q", {
      desired: queue("q", { isExternal: true }),
      blocked: { reason: "external, so it has to be there already", flags: [] },
    }),
  ],
  [
    "an external one is left as it is",
    { desired: { queues: [queue("q", { isExternal: true })] }, live: [liveQueue("q", classic)] },
    entry("unchanged", "queue", "q", { desired: queue("q", { isExternal: true }), counts: empty }),
  ],
  [
    "one that differs is replaced, where that is allowed; what it costs is said",
    { ...allowed, desired: { queues: [ttl] }, live: [liveQueue("q")] },
    entry("replace", "queue", "q", {
      desired: ttl,
      differences: [difference],
      counts: empty,
      notes: [online, steps, byName, instant],
    }),
  ],
  [
    "without leave to replace it is blocked, and the flag is named",
    { owned: { queues: ["q"] }, desired: { queues: [q] }, live: [liveQueue("q", classic)] },
    entry("replace", "queue", "q", {
      desired: q,
      differences: [typeDifference],
      counts: empty,
      blocked: { reason: "a queue is replaced on demand alone", flags: ["--allow-replace"] },
      notes: [steps, byName, instant],
    }),
  ],
  [
    "one that somebody else made needs --adopt as well",
    { desired: { queues: [q] }, live: [liveQueue("q", classic)] },
    entry("replace", "queue", "q", {
      desired: q,
      differences: [typeDifference],
      counts: empty,
      blocked: {
        reason: "a queue is replaced on demand alone, and it was made by somebody else",
        flags: ["--allow-replace", "--adopt"],
      },
      notes: [steps, byName, instant],
    }),
  ],
  [
    "or that alone, where replacing is allowed",
    {
      desired: { queues: [q] },
      live: [liveQueue("q", classic)],
      permissions: { allowReplace: true },
    },
    entry("replace", "queue", "q", {
      desired: q,
      differences: [typeDifference],
      counts: empty,
      blocked: { reason: "it was made by somebody else", flags: ["--adopt"] },
      notes: [steps, byName, instant],
    }),
  ],
  [
    "those that dead-letter there by name are named",
    {
      ...allowed,
      desired: { queues: [q] },
      live: [
        liveQueue("q", classic),
        liveQueue("a", {
          arguments: { "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "q" },
        }),
        liveQueue("b", {
          arguments: { "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "other" },
        }),
        livePolicy("p", {
          pattern: "none",
          definition: { "dead-letter-exchange": "", "dead-letter-routing-key": "q" },
        }),
      ],
    },
    entry("replace", "queue", "q", {
      desired: q,
      differences: [typeDifference],
      counts: empty,
      notes: [
        steps,
        "dead-letters here by name: a, policy p.  publishes by name: not knowable",
        instant,
      ],
    }),
  ],
  [
    "one that was interrupted is gone on with, whatever is allowed",
    {
      journal: { queue: "q", phase: "drain" } as never,
      desired: { queues: [ttl] },
      live: [liveQueue("q"), liveQueue("q~migrating")],
    },
    entry("replace", "queue", "q", {
      desired: ttl,
      differences: [difference],
      counts: empty,
      notes: ["its replacement was interrupted: apply goes on with it before anything else"],
    }),
  ],
  [
    "also between the two, when there is none of its name",
    {
      journal: { queue: "q", phase: "declare" } as never,
      desired: { queues: [ttl] },
      live: [liveQueue("q~migrating")],
    },
    entry("replace", "queue", "q", {
      desired: ttl,
      notes: ["its replacement was interrupted: apply goes on with it before anything else"],
    }),
  ],
  [
    "one that is to be ordered is replaced, and what that does to the order is said",
    {
      ...allowed,
      desired: { queues: [queue("q", { arguments: { "x-single-active-consumer": true } })] },
      live: [liveQueue("q", classic)],
    },
    entry("replace", "queue", "q", {
      desired: queue("q", { arguments: { "x-single-active-consumer": true } }),
      differences: [{ argument: "x-single-active-consumer", wanted: "true", live: "none" }],
      counts: empty,
      notes: [
        steps,
        byName,
        instant,
        "messages that are there already, or come meanwhile, may change their order",
      ],
    }),
  ],
  [
    "over AMQP alone one of ours is replaced that nobody consumes",
    {
      ...allowed,
      by: "amqp",
      desired: { queues: [q] },
      live: [liveQueue("q", { ...classic, counts: emptyOverAmqp })],
    },
    entry("replace", "queue", "q", {
      desired: q,
      differences: [typeDifference],
      counts: emptyOverAmqp,
      notes: [
        steps,
        "dead-letters here by name: not visible over AMQP.  publishes by name: not knowable",
        instant,
        "bindings that others gave it can't be seen over AMQP, and would be lost",
      ],
    }),
  ],
])("of the file's queues: %s", (_, given, expected) => {
  const { entries } = planOf(given);
  expect(entries.filter(({ kind, name }) => kind === "queue" && name === "q")).toEqual([expected]);
});

const everything = { prune: true, allowReplace: true, adopt: true };
const ordered = [
  "1. stop those who publish to it, and wait until it is empty",
  "2. delete it, and apply: it is declared anew",
];
const deleted = ["delete it once it is empty and unused, and apply: it is declared anew"];
const readers = ['declare it under a new name: its readers go on with "q" until they have read it'];
const long = "q".repeat(250);

test.each<[string, Given, { readonly reason: string; readonly notes?: readonly string[] }]>([
  [
    "one of another connection",
    { desired: { queues: [q] }, live: [liveQueue("q", { exclusive: true })] },
    { reason: "it is exclusive to another connection, and goes with that" },
  ],
  [
    "one that is auto-delete",
    { desired: { queues: [q] }, live: [liveQueue("q", { autoDelete: true })] },
    {
      reason: "it is auto-delete: the broker removes it with its last consumer",
      notes: deleted,
    },
  ],
  [
    "one that is not durable",
    { desired: { queues: [q] }, live: [liveQueue("q", { durable: false })] },
    {
      reason: "it is not durable: its messages do not outlive the broker's restart",
      notes: deleted,
    },
  ],
  [
    "a stream",
    {
      desired: { queues: [q] },
      live: [liveQueue("q", { arguments: { "x-queue-type": "stream" } })],
    },
    { reason: "a stream's messages cannot be moved", notes: readers },
  ],
  [
    "one that is to be a stream",
    {
      desired: { queues: [queue("q", { arguments: { "x-queue-type": "stream" } })] },
      live: [liveQueue("q")],
    },
    { reason: "a stream's messages cannot be moved", notes: readers },
  ],
  [
    "one whose messages are handled in order",
    {
      desired: { queues: [q] },
      live: [liveQueue("q", { arguments: { "x-single-active-consumer": true } })],
    },
    { reason: "its messages are handled in order, which a move would not keep", notes: ordered },
  ],
  [
    "one that others consume",
    {
      desired: { queues: [ttl] },
      live: [liveQueue("q", { counts: { ...empty, consumers: 4, foreignConsumers: 3 } })],
    },
    { reason: "3 consumers of others: end them first" },
  ],
  [
    "one that another consumes",
    {
      desired: { queues: [ttl] },
      live: [liveQueue("q", { counts: { ...empty, consumers: 1, foreignConsumers: 1 } })],
    },
    { reason: "1 consumer of others: end it first" },
  ],
  [
    "one of whose consumers it can't be seen whose they are",
    {
      desired: { queues: [ttl] },
      live: [liveQueue("q", { counts: { ...empty, consumers: 1, foreignConsumers: null } })],
    },
    {
      reason:
        "whose its consumers are can't be seen: the user of broker.management needs the tag monitoring",
    },
  ],
  [
    "one whose name leaves no room",
    {
      desired: { queues: [queue(long, { arguments: ttl.arguments })] },
      live: [liveQueue(long)],
    },
    {
      reason:
        'its name leaves no room for that of "…~migrating", which holds its messages meanwhile',
    },
  ],
  [
    "one beside which there is a queue of the name that its messages would need",
    { desired: { queues: [ttl] }, live: [liveQueue("q"), liveQueue("q~migrating")] },
    { reason: 'there is a queue "q~migrating", and nobody knows whose' },
  ],
  [
    "one whose messages a policy would drop meanwhile",
    {
      desired: { queues: [ttl] },
      live: [
        liveQueue("q"),
        livePolicy("all", { pattern: "^q", definition: { expires: 5, "max-length": 5 } }),
      ],
    },
    {
      reason:
        'policy "all" (max-length, expires) would apply to "q~migrating", which holds its messages meanwhile: narrow its pattern',
    },
  ],
  [
    "one that holds more than the new one is to hold, when nobody consumes it",
    {
      desired: { queues: [queue("q", { arguments: { ...q.arguments, "x-max-length": 2 } })] },
      live: [liveQueue("q", { counts: { ...empty, ready: 3 } })],
    },
    { reason: "it holds 3 messages, nobody consumes it, and the new one is to hold 2" },
  ],
  [
    "over AMQP alone one that may hold dead letters",
    {
      by: "amqp",
      owned: { queues: ["q"] },
      desired: { queues: [ttl] },
      live: [
        liveQueue("q", {
          arguments: { "x-queue-type": "quorum", "x-dead-letter-strategy": "at-least-once" },
          counts: emptyOverAmqp,
        }),
      ],
    },
    {
      reason:
        "over AMQP alone the dead letters that it may hold can't be seen: give broker.management",
    },
  ],
  [
    "over AMQP alone one that is consumed",
    {
      by: "amqp",
      owned: { queues: ["q"] },
      desired: { queues: [ttl] },
      live: [liveQueue("q", { counts: { ...emptyOverAmqp, consumers: 2 } })],
    },
    {
      reason:
        "2 consumers: over AMQP alone what they have not acknowledged can't be seen; end them, or give broker.management",
    },
  ],
  [
    "over AMQP alone one that somebody else made",
    {
      by: "amqp",
      desired: { queues: [ttl] },
      live: [liveQueue("q", { counts: emptyOverAmqp })],
    },
    {
      reason:
        "over AMQP alone the bindings that others gave it can't be seen: give broker.management",
    },
  ],
])("no flag replaces %s", (_, given, { reason, notes = [] }) => {
  const { entries, isBlocked } = planOf({ ...given, permissions: everything });
  const [first] = entries;
  expect({ action: first?.action, blocked: first?.blocked, notes: first?.notes }).toEqual({
    action: "replace",
    blocked: { reason, flags: [] },
    notes,
  });
  expect(isBlocked).toBe(true);
});
