import type { Place } from "../../errors.ts";
import { NUMBERS } from "../../numbers.ts";
import type { Queue } from "../../topology.ts";
import { join } from "../pointer.ts";
import { formatQuantity } from "../units.ts";
import { limitOf, refusingTarget } from "./limits.ts";
import { ownerOf, type Subject, soundQueues } from "./subject.ts";

type Loss = { readonly at: Place; readonly message: string };
/** `what` leaves the queue. */
type Ending = { readonly by: { readonly at: Place }; readonly what: string };

/** Finds queues that delete a message which nobody has handled, though it was accepted. */
export function lintLoss(subject: Subject): void {
  for (const queue of soundQueues(subject)) {
    // What is kept in a stream is kept for a time by its nature, read or not.
    if (queue.type === "stream") continue;
    const losses = [...ofHandler(subject, queue), ...ofBroker(subject, queue)];
    for (const { at, message } of losses) {
      subject.warnings.add("message-loss", ownerOf(queue), at, message);
    }
    lintOverflow(subject, queue);
  }
}

function ofHandler({ report }: Subject, queue: Queue): readonly Loss[] {
  if (queue.handler === null || (queue.deadLetter !== null && !queue.acksOnDelivery)) return [];
  // Whoever asked is told.
  if (queue.rpc) return [];
  const pointer = join("/queues", queue.name);
  if (queue.acksOnDelivery) {
    const message = `what the handler of queue ${shown(queue)} fails, or has not finished when its runner ends, is gone: it is acknowledged on delivery`;
    return [{ at: report.placeOf(join(pointer, "ack"), "value"), message }];
  }
  const at = report.placeOf(join(pointer, "deadLetter"), "value");
  const message = `what the handler of queue ${shown(queue)} rejects, or fails at its last attempt, is deleted: it has no dead-letter exchange`;
  return [{ at, message }];
}

/** What the broker does by itself; of an external queue nobody knows it. */
function ofBroker(subject: Subject, queue: Queue): readonly Loss[] {
  if (queue.external) return [];
  const { settings, report } = subject;
  const letter = settings.letterOf(queue);
  const refusing =
    letter === null || isAtLeastOnce(subject, queue) ? null : refusingTarget(subject, letter);
  const endings = endingsOf(subject, queue);
  const expires = settings.numberOf(queue, "expires");
  const losses = endings.flatMap(({ by, what }) => {
    if (letter === null) {
      return [{ at: by.at, message: `${what} is deleted: it has no dead-letter exchange` }];
    }
    if (refusing === null) return [];
    const reason = `is lost while queue ${shown(refusing)} is full: it refuses, and a dead letter is sent once`;
    return [{ at: by.at, message: `${what} ${reason}` }];
  });
  const deleted = `queue ${shown(queue)} is deleted, with what is in it, when`;
  if (queue.autoDelete) {
    const at = report.placeOf(join("/queues", queue.name, "autoDelete"), "value");
    losses.push({ at, message: `${deleted} its last consumer leaves` });
  }
  if (queue.exclusive) {
    const at = report.placeOf(join("/queues", queue.name, "exclusive"), "value");
    losses.push({ at, message: `${deleted} the connection that consumes it ends` });
  }
  if (expires === null) return losses;
  const message = `${deleted} nobody has used it for ${duration(expires.value)}`;
  return [...losses, { at: expires.at, message }];
}

/** How a message leaves a queue without a client: dead-lettered, or deleted. */
function endingsOf({ settings }: Subject, queue: Queue): readonly Ending[] {
  const ttl = settings.numberOf(queue, "message-ttl");
  const limit = limitOf(settings, queue);
  const deliveries = settings.numberOf(queue, "delivery-limit");
  const endings: Ending[] = [];
  if (ttl !== null) {
    const what = `what has waited ${duration(ttl.value)} in queue ${shown(queue)}`;
    endings.push({ by: ttl, what });
  }
  if (limit?.overflow === "drop-head") {
    const what = `the oldest message of a full queue ${shown(queue)}`;
    endings.push({ by: limit, what });
  }
  // With a handler it is a guard that nothing ordinary comes near.
  const isReached =
    deliveries !== null &&
    deliveries.value < NUMBERS.parkedDeliveryLimit &&
    (queue.handler === null || deliveries.value < 0);
  if (isReached) {
    const what =
      deliveries.value < 0
        ? `a message that comes back to queue ${shown(queue)} of RabbitMQ 3.x, which reads ${deliveries.value} as none,`
        : `a message that was delivered ${deliveries.value} times from queue ${shown(queue)}`;
    endings.push({ by: deliveries, what });
  }
  return endings;
}

/** Whether the broker keeps a dead letter until a queue has it. */
function isAtLeastOnce({ settings }: Subject, queue: Queue): boolean {
  return (
    queue.type === "quorum" &&
    settings.of(queue, "dead-letter-strategy")?.value === "at-least-once" &&
    settings.of(queue, "overflow")?.value === "reject-publish"
  );
}

function lintOverflow({ settings, warnings }: Subject, queue: Queue): void {
  const limit = limitOf(settings, queue);
  if (limit?.overflow !== "reject-publish-dlx" || settings.letterOf(queue) !== null) return;
  const message = `overflow reject-publish-dlx only refuses, as reject-publish does: queue ${shown(queue)} has no dead-letter exchange`;
  warnings.add("overflow-without-dead-letter", ownerOf(queue), limit.at, message);
}

function shown({ name }: Queue): string {
  return JSON.stringify(name);
}

function duration(ms: number): string {
  return formatQuantity("duration", ms);
}
