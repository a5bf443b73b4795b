import type { QueueType } from "../topology.ts";

/**
 * The queue arguments that RabbitMQ knows, 3.10 to 4.3. It accepts and ignores all others, so a
 * typing mistake can be found here alone.
 *
 * @see https://www.rabbitmq.com/docs/queues#optional-arguments
 */
export type ArgumentRule = {
  readonly types: readonly QueueType[];
  readonly value: "integer" | "text" | "flag";
  readonly minimum?: number;
  readonly maximum?: number;
  readonly choices?: readonly string[];
  /** Of a text that has a form of its own. */
  readonly form?: { readonly pattern: RegExp; readonly expected: string };
  /** The key of a queue block that says the same. */
  readonly key?: string;
};

const both = ["classic", "quorum"] as const;
const quorum = ["quorum"] as const;
const classic = ["classic"] as const;
const stream = ["stream"] as const;
/** The longest time that a broker takes, in milliseconds. */
const maximum = 2 ** 32 - 1;
const maxAge = {
  pattern: /^0*[1-9]\d*[YMDhms]$/,
  expected: 'a number and a unit such as "7D" or "12h"',
};

export const knownArguments: ReadonlyMap<string, ArgumentRule> = new Map<string, ArgumentRule>([
  ["x-queue-type", { types: [...both, "stream"], value: "text", key: "type" }],
  ["x-message-ttl", { types: both, value: "integer", minimum: 0, maximum, key: "ttl" }],
  ["x-expires", { types: both, value: "integer", minimum: 1, maximum, key: "expires" }],
  ["x-max-length", { types: both, value: "integer", minimum: 0, key: "limits.messages" }],
  [
    "x-max-length-bytes",
    { types: [...both, "stream"], value: "integer", minimum: 0, key: "limits.bytes" },
  ],
  [
    "x-overflow",
    {
      types: both,
      value: "text",
      choices: ["drop-head", "reject-publish", "reject-publish-dlx"],
      key: "limits.overflow",
    },
  ],
  ["x-dead-letter-exchange", { types: both, value: "text", key: "deadLetter" }],
  ["x-dead-letter-routing-key", { types: both, value: "text", key: "deadLetter" }],
  [
    "x-dead-letter-strategy",
    { types: quorum, value: "text", choices: ["at-most-once", "at-least-once"] },
  ],
  [
    "x-max-priority",
    { types: classic, value: "integer", minimum: 0, maximum: 255, key: "maxPriority" },
  ],
  ["x-single-active-consumer", { types: both, value: "flag", key: "singleActiveConsumer" }],
  ["x-delivery-limit", { types: quorum, value: "integer", minimum: -1, key: "deliveryLimit" }],
  ["x-queue-mode", { types: classic, value: "text", choices: ["default", "lazy"] }],
  ["x-queue-version", { types: classic, value: "integer", minimum: 1, maximum: 2 }],
  [
    "x-queue-master-locator",
    { types: classic, value: "text", choices: ["client-local", "min-masters", "random"] },
  ],
  [
    "x-queue-leader-locator",
    { types: [...both, "stream"], value: "text", choices: ["client-local", "balanced"] },
  ],
  ["x-quorum-initial-group-size", { types: quorum, value: "integer", minimum: 1 }],
  ["x-max-in-memory-length", { types: quorum, value: "integer", minimum: 0 }],
  ["x-max-in-memory-bytes", { types: quorum, value: "integer", minimum: 0 }],
  ["x-consumer-timeout", { types: quorum, value: "integer", minimum: 0, maximum }],
  ["x-consumer-disconnected-timeout", { types: quorum, value: "integer", minimum: 0, maximum }],
  [
    "x-delayed-retry-type",
    { types: quorum, value: "text", choices: ["disabled", "all", "failed", "returned"] },
  ],
  ["x-delayed-retry-min", { types: quorum, value: "integer", minimum: 0, maximum }],
  ["x-delayed-retry-max", { types: quorum, value: "integer", minimum: 0, maximum }],
  ["x-member-placement-tag", { types: quorum, value: "text" }],
  ["x-max-age", { types: stream, value: "text", form: maxAge, key: "maxAge" }],
  [
    "x-stream-max-segment-size-bytes",
    { types: stream, value: "integer", minimum: 1, maximum: 3_000_000_000 },
  ],
  ["x-stream-filter-size-bytes", { types: stream, value: "integer", minimum: 16, maximum: 255 }],
  ["x-initial-cluster-size", { types: stream, value: "integer", minimum: 1 }],
]);
