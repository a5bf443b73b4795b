/** The arguments of a queue: which there are for its type, what each may be, and what they mean. */
import { checkExpiry } from "../model/expiry.ts";
import { formatString } from "../model/terms.ts";
import { AmqpError } from "../protocol/errors.ts";
import { type Field, isInteger, longstr, lookup, type Table, textOf } from "../protocol/fields.ts";

export const QUEUE_TYPES = ["classic", "quorum", "stream"] as const;
export type QueueType = (typeof QUEUE_TYPES)[number];

/** What they mean for a queue of messages; a stream has some of its own. */
export type QueueSettings = {
  readonly type: QueueType;
  readonly expiresMs: number | null;
  readonly ttlMs: number | null;
  readonly deadLetter: { readonly exchange: string; readonly key: string | undefined } | null;
  /** A dead letter stays here until another queue has it. */
  readonly isAtLeastOnce: boolean;
  readonly maxLength: number;
  readonly maxBytes: number;
  readonly overflow: "drop-head" | "reject-publish" | "reject-publish-dlx";
  readonly maxPriority: number;
  readonly isSingleActive: boolean;
  /** Failed deliveries, beyond which a message is dead. */
  readonly deliveryLimit: number;
  readonly maxAgeMs: number;
  readonly segmentBytes: number;
};

/** @returns what is wrong with a value, as an Erlang term; null: nothing. */
type Check = (field: Field, args: Table) => string | null;

const CHECKS: Readonly<Record<string, Check>> = {
  "x-expires": checkExpires,
  "x-message-ttl": (field) => checkInteger(field) ?? checkExpiry(numberOf(field)),
  "x-dead-letter-exchange": (field) => checkText(field, () => null),
  "x-dead-letter-routing-key": checkDeadLetterKey,
  "x-dead-letter-strategy": oneOf("invalid_dlx_strategy", ["at-most-once", "at-least-once"]),
  "x-max-length": checkSize,
  "x-max-length-bytes": checkSize,
  "x-max-in-memory-length": checkSize,
  "x-max-in-memory-bytes": checkSize,
  "x-max-priority": checkPriority,
  "x-overflow": oneOf("invalid_overflow", ["drop-head", "reject-publish", "reject-publish-dlx"]),
  "x-queue-version": checkVersion,
  "x-single-active-consumer": (field) =>
    field.type === "bool" ? null : `{unacceptable_type,${field.type}}`,
  "x-consumer-timeout": checkSize,
  "x-consumer-disconnected-timeout": checkSize,
  "x-queue-type": checkQueueType,
  "x-quorum-initial-group-size": checkCount,
  "x-max-age": (field) =>
    checkText(field, (text) => (parseAge(text) === null ? "invalid_max_age" : null)),
  "x-stream-max-segment-size-bytes": checkSize,
  "x-stream-filter-size-bytes": checkSize,
  "x-initial-cluster-size": checkCount,
  "x-queue-leader-locator": oneOf("invalid_queue_locator_arg", ["client-local", "balanced"]),
};

const COMMON = [
  "x-expires",
  "x-message-ttl",
  "x-dead-letter-exchange",
  "x-dead-letter-routing-key",
];

/** In the order in which what is declared again is compared. */
const ARGUMENTS: Readonly<Record<QueueType, readonly string[]>> = {
  classic: [
    ...COMMON,
    "x-max-length",
    "x-max-length-bytes",
    "x-max-priority",
    "x-overflow",
    "x-queue-mode",
    "x-queue-version",
    "x-single-active-consumer",
    "x-queue-type",
    "x-queue-master-locator",
    "x-queue-leader-locator",
  ],
  quorum: [
    "x-dead-letter-exchange",
    "x-dead-letter-routing-key",
    "x-dead-letter-strategy",
    "x-expires",
    "x-max-length",
    "x-max-length-bytes",
    "x-max-in-memory-length",
    "x-max-in-memory-bytes",
    "x-overflow",
    "x-single-active-consumer",
    "x-queue-type",
    "x-quorum-initial-group-size",
    "x-delivery-limit",
    "x-message-ttl",
    "x-queue-leader-locator",
    "x-consumer-disconnected-timeout",
    "x-consumer-timeout",
    "x-delayed-retry-type",
    "x-delayed-retry-min",
    "x-delayed-retry-max",
  ],
  stream: [
    "x-max-length-bytes",
    "x-queue-type",
    "x-max-age",
    "x-stream-max-segment-size-bytes",
    "x-stream-filter-size-bytes",
    "x-initial-cluster-size",
    "x-queue-leader-locator",
  ],
};
const ALL: ReadonlySet<string> = new Set(Object.values(ARGUMENTS).flat());

const MAX_SEGMENT_BYTES = 3_000_000_000;
const SEGMENT_BYTES = 500_000_000;
const DELIVERY_LIMIT = 20;

/** With the type, which is classic unless it is said. */
export function withType(args: Table): Table {
  const type = lookup(args, "x-queue-type");
  if (type && textOf(type) !== "") return args;
  return [
    ...args.filter(([name]) => name !== "x-queue-type"),
    ["x-queue-type", longstr("classic")],
  ];
}

/** As they are compared: an age is a number of milliseconds then. */
export function asCompared(args: Table): Table {
  return args.map(([name, field]) => {
    const ageMs = name === "x-max-age" ? parseAge(textOf(field) ?? "") : null;
    return [name, ageMs === null ? field : longstr(`${ageMs}`)];
  });
}

/** The arguments that are compared when a queue of this type is declared again. */
export function comparedArguments(type: QueueType): readonly string[] {
  return ARGUMENTS[type];
}

/** @throws {AmqpError} 406 for the first that is wrong; `what` names the queue in the text. */
export function checkArguments(what: string, args: Table): QueueType {
  const type = checkedType(what, args);
  const own = ARGUMENTS[type];
  for (const [name, check] of Object.entries(CHECKS)) {
    const field = own.includes(name) ? lookup(args, name) : undefined;
    const problem = field && check(field, args);
    if (problem) throw refused(`invalid arg '${name}' for ${what}: ${problem}`);
  }
  for (const [name] of args) {
    if (own.includes(name) || !ALL.has(name)) continue;
    throw refused(`invalid arg '${name}' for ${what} of queue type ${moduleOf(type)}`);
  }
  return type;
}

/** @throws {AmqpError} 406 for what only a stream can't be. */
export function checkStreamArguments(args: Table): void {
  const segment = numberIn(args, "x-stream-max-segment-size-bytes");
  if (segment !== null && segment > MAX_SEGMENT_BYTES) {
    throw refused("Exceeded max value for x-stream-max-segment-size-bytes");
  }
  const filter = numberIn(args, "x-stream-filter-size-bytes");
  if (filter !== null && (filter > 255 || filter < 16)) {
    throw refused("Invalid value for x-stream-filter-size-bytes");
  }
}

/** RabbitMQ's name for a type in its texts. */
export function moduleOf(type: QueueType): string {
  return `rabbit_${type}_queue`;
}

/** The type that is asked for, before anything else is looked at; null: there is none like it. */
export function typeOf(args: Table): QueueType | null {
  const text = textOf(lookup(args, "x-queue-type"));
  return QUEUE_TYPES.find((type) => type === text) ?? null;
}

export function readSettings(type: QueueType, args: Table): QueueSettings {
  const exchange = textOf(lookup(args, "x-dead-letter-exchange"));
  const key = textOf(lookup(args, "x-dead-letter-routing-key"));
  const strategy = textOf(lookup(args, "x-dead-letter-strategy"));
  const overflow = textOf(lookup(args, "x-overflow")) as QueueSettings["overflow"] | undefined;
  const limit = numberIn(args, "x-delivery-limit") ?? DELIVERY_LIMIT;
  const isQuorum = type === "quorum";
  return {
    type,
    expiresMs: numberIn(args, "x-expires"),
    ttlMs: numberIn(args, "x-message-ttl"),
    deadLetter: exchange === undefined ? null : { exchange, key },
    isAtLeastOnce: isQuorum && strategy === "at-least-once" && overflow === "reject-publish",
    maxLength: numberIn(args, "x-max-length") ?? Number.POSITIVE_INFINITY,
    maxBytes: numberIn(args, "x-max-length-bytes") ?? Number.POSITIVE_INFINITY,
    overflow: overflow ?? "drop-head",
    // 0 still tells those with a priority from those without.
    maxPriority: lookup(args, "x-max-priority")
      ? Math.max(1, numberIn(args, "x-max-priority") ?? 0)
      : 0,
    isSingleActive: lookup(args, "x-single-active-consumer")?.value === true,
    deliveryLimit: limit < 0 ? Number.POSITIVE_INFINITY : limit,
    maxAgeMs: parseAge(textOf(lookup(args, "x-max-age")) ?? "") ?? Number.POSITIVE_INFINITY,
    segmentBytes: numberIn(args, "x-stream-max-segment-size-bytes") ?? SEGMENT_BYTES,
  };
}

const UNITS_MS: Readonly<Record<string, number>> = {
  Y: 365 * 86_400_000,
  M: 30 * 86_400_000,
  D: 86_400_000,
  h: 3_600_000,
  m: 60_000,
  s: 1_000,
};

/** `7D` in milliseconds; null: it is no age. */
export function parseAge(text: string): number | null {
  const [, digits, unit = ""] = /^(\d+)([YMDhms])$/.exec(text) ?? [];
  const ms = Number(digits) * (UNITS_MS[unit] ?? 0);
  return ms > 0 ? ms : null;
}

function checkedType(what: string, args: Table): QueueType {
  const field = lookup(args, "x-queue-type") ?? longstr("classic");
  const problem = checkQueueType(field);
  if (problem) throw refused(`invalid arg 'x-queue-type' for ${what}: ${problem}`);
  return typeOf(args) ?? "classic";
}

/** Where it can be read as a number. */
function numberIn(args: Table, name: string): number | null {
  const field = lookup(args, name);
  return field && isInteger(field) ? Number(field.value) : null;
}

function numberOf(field: Field): number {
  return Number(field.value);
}

function checkInteger(field: Field): string | null {
  return isInteger(field) ? null : formatString(`expected integer, got ${field.type}`);
}

function checkSize(field: Field): string | null {
  return checkInteger(field) ?? (numberOf(field) < 0 ? `{value_negative,${field.value}}` : null);
}

function checkCount(field: Field): string | null {
  return checkSize(field) ?? (numberOf(field) === 0 ? "{value_zero,0}" : null);
}

function checkExpires(field: Field): string | null {
  const problem = checkInteger(field);
  if (problem !== null) return problem;
  return numberOf(field) === 0 ? "{value_zero,0}" : checkExpiry(numberOf(field));
}

function checkPriority(field: Field): string | null {
  return checkSize(field) ?? (numberOf(field) > 255 ? `{max_value_exceeded,${field.value}}` : null);
}

function checkVersion(field: Field): string | null {
  const problem = checkSize(field);
  if (problem !== null || numberOf(field) === 2) return problem;
  return formatString(`unsupported queue version '${field.value}'`);
}

function checkDeadLetterKey(field: Field, args: Table): string | null {
  return checkText(field, () =>
    lookup(args, "x-dead-letter-exchange") ? null : "routing_key_but_no_dlx_defined",
  );
}

function checkQueueType(field: Field): string | null {
  return checkText(field, (text) =>
    QUEUE_TYPES.some((type) => type === text)
      ? null
      : formatString(`unsupported queue type '${text}'`),
  );
}

function checkText(field: Field, check: (text: string) => string | null): string | null {
  return field.type === "longstr"
    ? check(field.value.toString())
    : `{unacceptable_type,${field.type}}`;
}

function oneOf(problem: string, words: readonly string[]): Check {
  return (field) => checkText(field, (text) => (words.includes(text) ? null : problem));
}

function refused(text: string): AmqpError {
  return new AmqpError("precondition-failed", text);
}
