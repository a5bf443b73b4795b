import { NUMBERS } from "../numbers.ts";
import type { Arguments, ArgumentValue, DeadLetter, QueueType } from "../topology.ts";
import type { QueueBlock } from "./file.ts";
import { listed, shown } from "./finding.ts";
import { type ArgumentRule, knownArguments } from "./known-arguments.ts";
import { checkShortString } from "./names.ts";
import { join } from "./pointer.ts";
import type { Report } from "./report.ts";
import { didYouMean } from "./suggest.ts";
import { bytesOf, maxAgeOf, millisecondsOf } from "./units.ts";

/** What the arguments of a queue are made of. */
export type Declared = {
  readonly block: QueueBlock;
  readonly type: QueueType;
  readonly hasHandler: boolean;
  readonly deadLetter: DeadLetter | null;
  /** Nothing is to be added to what is written. */
  readonly isExact: boolean;
};

/**
 * Everything that is declared for a queue: what its keys mean, what it says under `arguments:`, and
 * what warren adds. A broker's own default is never added: it compares it with what is absent.
 */
export function queueArguments(declared: Declared, pointer: string, report: Report): Arguments {
  const { block, type } = declared;
  const result: Record<string, ArgumentValue> = Object.create(null);
  for (const { argument, value, path } of keyed(declared)) {
    if (value === undefined) continue;
    checkType(argument, value, type, join(pointer, ...path), report);
    result[argument] = value;
  }
  for (const [name, value] of Object.entries(block.arguments ?? {})) {
    if (value === undefined) continue;
    const at = join(pointer, "arguments", name);
    const rule = checkRaw(name, declared, at, report);
    if (rule === null) continue;
    if (rule !== undefined && !checkValue(name, value, rule, at, report)) continue;
    checkType(name, value, type, at, report);
    result[name] = value;
  }
  const { "x-dead-letter-exchange": exchange, "x-dead-letter-routing-key": key } = result;
  if (key !== undefined && exchange === undefined) {
    const at = join(pointer, "arguments", "x-dead-letter-routing-key");
    report.key("bad-value", at, "x-dead-letter-routing-key needs x-dead-letter-exchange");
  }
  return type === "quorum" ? withQuorumDefaults(result, declared, pointer, report) : result;
}

type Keyed = {
  readonly argument: string;
  readonly value: ArgumentValue | undefined;
  readonly path: readonly string[];
};

function keyed({ block, type, deadLetter }: Declared): readonly Keyed[] {
  const { limits = {} } = block;
  return [
    { argument: "x-queue-type", value: type, path: ["type"] },
    { argument: "x-message-ttl", value: millisecondsOf(block.ttl), path: ["ttl"] },
    { argument: "x-expires", value: millisecondsOf(block.expires), path: ["expires"] },
    { argument: "x-max-age", value: maxAgeOf(block.maxAge), path: ["maxAge"] },
    { argument: "x-max-length", value: limits.messages, path: ["limits", "messages"] },
    { argument: "x-max-length-bytes", value: bytesOf(limits.bytes), path: ["limits", "bytes"] },
    { argument: "x-overflow", value: limits.overflow, path: ["limits", "overflow"] },
    { argument: "x-max-priority", value: block.maxPriority, path: ["maxPriority"] },
    {
      argument: "x-single-active-consumer",
      value: block.singleActiveConsumer === true || block.ordered === true ? true : undefined,
      path: ["singleActiveConsumer"],
    },
    { argument: "x-delivery-limit", value: block.deliveryLimit, path: ["deliveryLimit"] },
    { argument: "x-dead-letter-exchange", value: deadLetter?.exchange, path: ["deadLetter"] },
    { argument: "x-dead-letter-routing-key", value: deadLetter?.key, path: ["deadLetter"] },
  ];
}

function checkType(
  name: string,
  value: ArgumentValue,
  type: QueueType,
  pointer: string,
  report: Report,
): void {
  const types = knownArguments.get(name)?.types;
  const word = pointer.slice(pointer.lastIndexOf("/") + 1);
  if (types !== undefined && !types.some((it) => it === type)) {
    const message = `${word} is for ${listed(types)} queues, and this one is ${type}`;
    report.key("argument-of-other-type", pointer, message);
  } else if (value === "reject-publish-dlx" && type === "quorum") {
    const message = `${word} reject-publish-dlx is for classic queues, and this one is quorum`;
    report.value("argument-of-other-type", pointer, message);
  }
}

/** The rule of a raw argument; undefined if RabbitMQ has none; null after a finding. */
function checkRaw(
  name: string,
  { block, hasHandler }: Declared,
  pointer: string,
  report: Report,
): ArgumentRule | undefined | null {
  checkShortString(name, "argument", pointer, "key", report);
  const rule = knownArguments.get(name);
  if (rule === undefined && block.allowUnknown !== true) {
    const hint = didYouMean(name, knownArguments.keys());
    const message = `RabbitMQ knows no queue argument ${JSON.stringify(name)}${hint}`;
    report.key("unknown-argument", pointer, message);
    return null;
  }
  if (rule?.key !== undefined && isSaid(rule.key, block, hasHandler)) {
    report.key("argument-twice", pointer, `${name} is said by ${rule.key}: as well`);
    return null;
  }
  return rule;
}

/** A queue always has a type; one with a handler always says where its dead letters go. */
function isSaid(key: string, block: QueueBlock, hasHandler: boolean): boolean {
  if (key === "type" || (key === "deadLetter" && hasHandler)) return true;
  const [first = "", second] = key.split(".");
  const value: unknown = Reflect.get(block, first);
  if (second === undefined || typeof value !== "object" || value === null) {
    return value !== undefined;
  }
  return Reflect.get(value, second) !== undefined;
}

/** Whether a value is what its rule says; what it is instead is reported. */
export function checkValue(
  name: string,
  value: ArgumentValue,
  rule: Omit<ArgumentRule, "types">,
  pointer: string,
  report: Report,
): boolean {
  const words = { integer: "a whole number", text: "text", flag: "true or false" } as const;
  const isRight = {
    integer: Number.isInteger(value),
    text: typeof value === "string",
    flag: typeof value === "boolean",
  };
  if (!isRight[rule.value]) {
    const isDigits = rule.value === "integer" && typeof value === "string" && /^-?\d+$/.test(value);
    const message = `${name} must be ${words[rule.value]}, found ${shown(value)}`;
    report.value(isDigits ? "numeric-string" : "wrong-type", pointer, message);
    return false;
  }
  const { minimum = 0, maximum = Number.MAX_SAFE_INTEGER, choices, form } = rule;
  if (typeof value === "number" && (value < minimum || value > maximum)) {
    report.value("bad-value", pointer, `${name} must be ${minimum} to ${maximum}, found ${value}`);
    return false;
  }
  if (form !== undefined && !form.pattern.test(String(value))) {
    report.value("bad-value", pointer, `${name} must be ${form.expected}, found ${shown(value)}`);
    return false;
  }
  if (choices === undefined || choices.some((choice) => choice === value)) return true;
  const hint = didYouMean(String(value), choices);
  const message = `${name} must be ${listed(choices)}, found ${shown(value)}${hint}`;
  report.value("bad-value", pointer, message);
  return false;
}

/**
 * A delivery limit is always said, since its default differs between versions. Dead letters of a
 * quorum queue go at least once unless a full queue is to drop its head: the broker cannot do both.
 */
function withQuorumDefaults(
  result: Record<string, ArgumentValue>,
  { hasHandler, deadLetter, isExact }: Declared,
  pointer: string,
  report: Report,
): Arguments {
  const strategy = result["x-dead-letter-strategy"];
  if (strategy === "at-least-once" && result["x-overflow"] === "drop-head") {
    const at = join(pointer, "arguments", "x-dead-letter-strategy");
    report.value("bad-value", at, "at-least-once needs overflow reject-publish, found drop-head");
  }
  if (isExact) return result;
  const { workDeliveryLimit, parkedDeliveryLimit } = NUMBERS;
  result["x-delivery-limit"] ??= hasHandler ? workDeliveryLimit : parkedDeliveryLimit;
  const isAtLeastOnce =
    strategy === "at-least-once" || (strategy === undefined && deadLetter !== null);
  const isDropping =
    result["x-overflow"] === "drop-head" || report.isBroken(join(pointer, "limits"));
  if (isAtLeastOnce && !isDropping) {
    result["x-dead-letter-strategy"] = "at-least-once";
    result["x-overflow"] = "reject-publish";
  }
  return result;
}
