import { NUMBERS } from "../numbers.ts";
import { type DeadLetter, isRequeued, type Queue } from "../topology.ts";
import { queueArguments } from "./arguments.ts";
import { checkPrefetch } from "./concurrency.ts";
import { checkDelivery } from "./delivery.ts";
import { checkErrorLists, errorLists } from "./error-lists.ts";
import type { Consuming, DeadLetterBlock, QueueBlock, TopologyFile } from "./file.ts";
import { findHandler } from "./handlers.ts";
import { resolveIdempotency } from "./idempotency.ts";
import { checkName, checkRetriedName, checkShortString } from "./names.ts";
import { checkOrdered } from "./ordered.ts";
import { paceOf } from "./pace.ts";
import { join } from "./pointer.ts";
import { checkRenames } from "./rename.ts";
import type { Report } from "./report.ts";
import { retryDelaysMs } from "./retry.ts";
import { millisecondsOf } from "./units.ts";

const DEFAULTS = "/defaults";
/** Keys that say how a handler runs. */
const HANDLING = [
  "concurrency",
  "prefetch",
  "consumerPriority",
  "rate",
  "breaker",
  "ack",
  "timeout",
  "retry",
  "retryOn",
  "rejectOn",
  "idempotency",
  "ordered",
  "rpc",
  "exclusive",
] as const;
/** Keys that say how a queue is declared, which an external one is not. */
const DECLARING = [
  "ttl",
  "expires",
  "maxAge",
  "limits",
  "maxPriority",
  "singleActiveConsumer",
  "autoDelete",
  "exclusive",
  "ordered",
  "deliveryLimit",
  "arguments",
  "allowUnknown",
  "exact",
] as const;

/** The queues whose block is sound enough; what is wrong with a block is reported. */
export function resolveQueues(
  file: TopologyFile,
  handlersDirectory: string,
  report: Report,
): Readonly<Record<string, Queue>> {
  const defaults = file.defaults ?? {};
  checkPrefetch(defaults, {}, DEFAULTS, report);
  checkErrorLists(defaults, null, DEFAULTS, report);
  checkDeadLetterKey(defaults.deadLetter, DEFAULTS, report);
  const queues: Record<string, Queue> = Object.create(null);
  for (const [name, block] of Object.entries(file.queues ?? {})) {
    const pointer = join("/queues", name);
    checkName(name, block?.external === true, { pointer, on: "key" }, report);
    if (block === undefined) continue;
    queues[name] = resolveQueue(name, block, defaults, handlersDirectory, report);
  }
  checkRenames(file, report);
  return queues;
}

function resolveQueue(
  name: string,
  block: QueueBlock,
  defaults: Consuming,
  handlersDirectory: string,
  report: Report,
): Queue {
  const pointer = join("/queues", name);
  const hasHandler = block.handler !== undefined && block.handler !== "none";
  const external = block.external ?? false;
  refuseMeaningless(block, pointer, report);
  const ordered = block.ordered ?? false;
  const rpc = block.rpc ?? false;
  if (rpc && typeof block.idempotency === "object") {
    const message =
      "a request that comes again needs its reply again: rpc and idempotency exclude each other";
    report.key("bad-value", join(pointer, "idempotency"), message);
  }
  if (rpc && block.ack === "on-delivery") {
    const message = "a request that is acknowledged on delivery may never be answered";
    report.key("bad-value", join(pointer, "ack"), message);
  }
  if (ordered) checkOrdered(block, pointer, report);
  checkDelivery(block, pointer, report);
  checkErrorLists(block, defaults, pointer, report);
  const type = block.type ?? defaults.type ?? "quorum";
  if (type === "stream" && hasHandler) {
    report.value("bad-value", join(pointer, "handler"), "a stream has no handler: write none");
  }
  const deadLetter = deadLetterOf(name, block, defaults, report);
  const isExact = block.exact ?? defaults.exact ?? false;
  const acksOnDelivery = block.ack === "on-delivery";
  const exclusive = block.exclusive ?? false;
  // What can't be said of such a queue is not taken from the defaults either.
  const delaysMs = acksOnDelivery || exclusive ? [] : delaysOf(block, defaults, pointer, report);
  const autoDelete = block.autoDelete ?? false;
  for (const key of ["autoDelete", "exclusive"] as const) {
    if (block[key] !== true || type === "classic") continue;
    const message = `${key} is for classic queues, and this one is ${type}`;
    report.key("argument-of-other-type", join(pointer, key), message);
  }
  const inherited = acksOnDelivery || autoDelete ? undefined : defaults.idempotency;
  if (hasHandler && isRequeued({ type, retryDelaysMs: delaysMs, ordered, exclusive, external })) {
    checkRetriedName(name, pointer, report);
  }
  return {
    name,
    type,
    arguments: external
      ? Object.create(null)
      : queueArguments({ block, type, hasHandler, deadLetter, isExact }, pointer, report),
    handler: hasHandler
      ? findHandler(block.handler ?? "", handlersDirectory, join(pointer, "handler"), report)
      : null,
    ...paceOf(block, defaults, pointer, report),
    consumerPriority: block.consumerPriority ?? 0,
    acksOnDelivery,
    timeoutMs: millisecondsOf(block.timeout ?? defaults.timeout) ?? NUMBERS.handlerTimeoutMs,
    retryDelaysMs: delaysMs,
    ...errorLists(block, defaults),
    deadLetter,
    idempotency: hasHandler && !rpc ? resolveIdempotency(block.idempotency ?? inherited) : null,
    ordered,
    rpc,
    autoDelete,
    exclusive,
    external,
    was: block.was ?? null,
    at: report.placeOf(pointer, "key"),
  };
}

function delaysOf(
  block: QueueBlock,
  defaults: Consuming,
  pointer: string,
  report: Report,
): readonly number[] {
  const retry = block.retry ?? defaults.retry;
  const at = join(block.retry === undefined ? DEFAULTS : pointer, "retry");
  return retry === undefined ? NUMBERS.retryDelaysMs : retryDelaysMs(retry, at, report);
}

/** A key that has no effect would make its reader believe that it has. */
function refuseMeaningless(block: QueueBlock, pointer: string, report: Report): void {
  if (block.handler === "none") {
    for (const key of HANDLING) {
      if (block[key] === undefined) continue;
      report.key("bad-value", join(pointer, key), `${key} means nothing without a handler`);
    }
  }
  if (block.external !== true) return;
  for (const key of DECLARING) {
    if (block[key] === undefined) continue;
    const message = `${key} means nothing for an external queue, which is never declared`;
    report.key("bad-value", join(pointer, key), message);
  }
}

/** Where the messages of a queue go that ended without being handled; null: nowhere. */
function deadLetterOf(
  name: string,
  block: QueueBlock,
  defaults: Consuming,
  report: Report,
): DeadLetter | null {
  const pointer = join("/queues", name);
  const at = join(pointer, "deadLetter");
  checkDeadLetterKey(block.deadLetter, pointer, report);
  if (report.isBroken(at)) return null;
  const isParked = block.handler === "none";
  // A raw dead-letter exchange of a parked queue is said on purpose; the default gives way.
  const isRaw = isParked && block.arguments?.["x-dead-letter-exchange"] !== undefined;
  const isUndeclared = isParked && block.external === true;
  const hasNone = isRaw || isUndeclared || block.type === "stream";
  const inherited = hasNone ? undefined : defaults.deadLetter;
  const said = block.deadLetter ?? inherited;
  if (said === undefined) {
    const isKnown = block.handler !== undefined && !report.isBroken(join(DEFAULTS, "deadLetter"));
    if (!isParked && isKnown) {
      const message = `queue ${JSON.stringify(name)} has a handler and says nothing of dead letters`;
      report.key("no-dead-letter", pointer, message);
    }
    return null;
  }
  if (said === "none") return null;
  if (typeof said === "string") return { exchange: said, key: name };
  return said.exchange === undefined ? null : { exchange: said.exchange, key: said.key ?? name };
}

function checkDeadLetterKey(
  block: DeadLetterBlock | undefined,
  parent: string,
  report: Report,
): void {
  if (typeof block !== "object" || block.key === undefined) return;
  checkShortString(block.key, "routing key", join(parent, "deadLetter", "key"), "value", report);
}
