import type { PolicyTarget, QueueType } from "../topology.ts";
import { type ArgumentRule, knownArguments } from "./known-arguments.ts";

/** What a policy is laid over. */
export type PolicyKind = "exchange" | QueueType;

export type PolicyRule = Omit<ArgumentRule, "types" | "key"> & {
  readonly readers: readonly PolicyKind[];
  /** A queue of another type ignores this setting alone; else it is left without the whole policy. */
  readonly isTolerated: boolean;
};

const QUEUES = ["classic", "quorum", "stream"] as const;

/** The kinds of object that a policy is for. */
export const policyKinds: Readonly<Record<PolicyTarget, readonly PolicyKind[]>> = {
  all: ["exchange", ...QUEUES],
  exchanges: ["exchange"],
  queues: QUEUES,
  classic_queues: ["classic"],
  quorum_queues: ["quorum"],
  streams: ["stream"],
};

/** Queue arguments that a policy can't set: they are declared once and for all. */
const DECLARED = [
  "queue-type",
  "max-priority",
  "single-active-consumer",
  "quorum-initial-group-size",
  "member-placement-tag",
];

/** No queue type of RabbitMQ names these among the settings that it can't have. */
const TOLERATED = new Set([
  "queue-version",
  "stream-filter-size-bytes",
  "queue-leader-locator",
  "consumer-timeout",
  "consumer-disconnected-timeout",
  "delayed-retry-type",
  "delayed-retry-min",
  "delayed-retry-max",
]);

/**
 * The settings that a policy can make, RabbitMQ 3.10 to 4.3; a broker refuses others.
 *
 * @see https://www.rabbitmq.com/docs/policies#definition-keys
 */
export const policyKeys: ReadonlyMap<string, PolicyRule> = new Map<string, PolicyRule>([
  ...[...knownArguments].flatMap(([argument, { types, key, ...rule }]) => {
    const name = argument.slice("x-".length);
    if (DECLARED.includes(name)) return [];
    return [[name, { ...rule, readers: types, isTolerated: TOLERATED.has(name) }] as const];
  }),
  ["alternate-exchange", { value: "text", readers: ["exchange"], isTolerated: true }],
  ["target-group-size", { value: "integer", minimum: 1, readers: ["quorum"], isTolerated: false }],
  ...["federation-upstream", "federation-upstream-set", "federation-upstream-pattern"].map(
    (name) =>
      [
        name,
        { value: "text", readers: ["exchange", "classic", "quorum"], isTolerated: true },
      ] as const,
  ),
  ["shards-per-node", { value: "integer", minimum: 1, readers: ["exchange"], isTolerated: true }],
  ["routing-key", { value: "text", readers: ["exchange"], isTolerated: true }],
]);

/** Of the keys, one that keeps the whole policy off queues of the type; null: none does. */
export function excludingKey(keys: Iterable<string>, type: QueueType): string | null {
  for (const key of keys) {
    const rule = policyKeys.get(key);
    if (rule !== undefined && !rule.isTolerated && !rule.readers.includes(type)) return key;
  }
  return null;
}

/** The kinds on which a policy with these keys for this target has an effect. */
export function affectedKinds(
  keys: readonly string[],
  target: PolicyTarget,
): readonly PolicyKind[] {
  return policyKinds[target].filter(
    (kind) =>
      keys.some((key) => policyKeys.get(key)?.readers.includes(kind)) &&
      (kind === "exchange" || excludingKey(keys, kind) === null),
  );
}
