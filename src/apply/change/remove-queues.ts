/**
 * Removes queues that are empty and unused at that moment, and keeps all others. Only a classic queue
 * checks that itself: a quorum queue refuses to, and a stream doesn't look.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { counted } from "../../counted.ts";
import type { Arguments } from "../../topology.ts";
import type { Live, LiveQueue } from "../live.ts";
import type { PlanEntry } from "../planned.ts";
import { NOT_FOUND, PRECONDITION_FAILED } from "../reply-codes.ts";
import { bindingId } from "../state/record.ts";
import type { Operate } from "./channels.ts";
import { type ChangeContext, visitEntries } from "./context.ts";
import { refusedResult } from "./refusal.ts";
import { type ApplyEntry, resultOf } from "./results.ts";

/** How old the totals of a quorum queue may be in a listing: measured up to 5 s on 3.10 and 4.3. */
const STALE_MS = 6_500;

export async function removeQueues(
  context: ChangeContext,
  entries: readonly PlanEntry[],
): Promise<readonly ApplyEntry[]> {
  const live = await lookAgain(context, entries);
  return await visitEntries(context, entries, async (entry, operate) => {
    const queue = live.queues.get(entry.name);
    if (!queue) return resultOf(entry, "removed");
    if (queue.kind === "hidden") return resultOf(entry, "kept", queue.detail);
    if (context.condemned.has(entry.name)) return await removeAnyhow(entry, operate);
    const reason = reasonToKeep(queue, context, live);
    if (reason !== null) return resultOf(entry, "kept", reason);
    return isClassic(queue)
      ? await removeClassic(entry, operate)
      : await removeLooking(entry, operate);
  });
}

/**
 * The plan's look was the first one; a second one, when the totals of the first can't be in it any
 * more, says that a quorum queue was empty all the while.
 */
async function lookAgain(
  { live, lookedAtMs, look, interrupted }: ChangeContext,
  removed: readonly PlanEntry[],
): Promise<Live> {
  const isSlow = removed.some(({ name }) => {
    const queue = live.queues.get(name);
    return queue?.kind === "queue" && !isClassic(queue) && queue.counts.messages !== null;
  });
  const waitMs = isSlow ? lookedAtMs + STALE_MS - performance.now() : 0;
  if (waitMs > 0) await sleep(waitMs, undefined, { signal: interrupted }).catch(() => undefined);
  return await look();
}

/** Why a queue stays, as far as can be seen from outside of it; null: nothing speaks for that. */
function reasonToKeep(
  { name, arguments: args, counts }: LiveQueue,
  { owned }: ChangeContext,
  { bindings }: Live,
): string | null {
  const { ready, unacked, messages, consumers } = counts;
  if (ready > 0 || (unacked ?? 0) > 0 || (messages ?? 0) > 0) return describeMessages(counts);
  if ((consumers ?? 0) > 0) return `in use: ${counted(consumers ?? 0, "consumer")}`;
  if (messages === null && isAtLeastOnce(args)) {
    return "AMQP alone can't tell whether it holds dead letters that found no way";
  }
  const ours = new Set(owned.bindings.map(bindingId));
  const foreign = bindings?.find(
    (one) =>
      one.destinationKind === "queue" && one.destination === name && !ours.has(bindingId(one)),
  );
  return foreign ? `bound by somebody else to exchange "${foreign.source}"` : null;
}

async function removeClassic(entry: PlanEntry, operate: Operate): Promise<ApplyEntry> {
  const attempt = await operate(`delete queue ${entry.name}`, (channel) =>
    channel.deleteQueue(entry.name, { ifEmpty: true, ifUnused: true }),
  );
  if (attempt.ok) return resultOf(entry, "removed");
  const { code, text } = attempt.refusal;
  return code === PRECONDITION_FAILED
    ? resultOf(entry, "kept", text)
    : refusedResult(entry, attempt.refusal, needsOf(entry));
}

/** For quorum queues and streams, to which the broker's own checks do not apply. */
async function removeLooking(entry: PlanEntry, operate: Operate): Promise<ApplyEntry> {
  const seen = await operate(`find queue ${entry.name}`, (open) => open.checkQueue(entry.name));
  if (!seen.ok) {
    return seen.refusal.code === NOT_FOUND
      ? resultOf(entry, "removed")
      : refusedResult(entry, seen.refusal, needsOf(entry));
  }
  const { messageCount, consumerCount } = seen.value;
  if (messageCount > 0) return resultOf(entry, "kept", `not empty: ${messageCount} ready`);
  if (consumerCount > 0) {
    return resultOf(entry, "kept", `in use: ${counted(consumerCount, "consumer")}`);
  }
  return await removeAnyhow(entry, operate);
}

async function removeAnyhow(entry: PlanEntry, operate: Operate): Promise<ApplyEntry> {
  const attempt = await operate(`delete queue ${entry.name}`, (channel) =>
    channel.deleteQueue(entry.name),
  );
  if (!attempt.ok) return refusedResult(entry, attempt.refusal, needsOf(entry));
  const { messageCount } = attempt.value;
  const lost = messageCount > 0 ? `${counted(messageCount, "message")} went with it` : undefined;
  return resultOf(entry, "removed", lost);
}

function describeMessages({ ready, unacked, messages }: LiveQueue["counts"]): string {
  const parts = [
    ...(ready > 0 ? [`${ready} ready`] : []),
    ...((unacked ?? 0) > 0 ? [`${unacked} unacked`] : []),
  ];
  return `not empty: ${parts.length > 0 ? parts.join(", ") : `${messages} dead letters that found no way`}`;
}

function isClassic({ arguments: args }: LiveQueue): boolean {
  return args["x-queue-type"] === "classic";
}

function isAtLeastOnce(args: Arguments): boolean {
  return args["x-dead-letter-strategy"] === "at-least-once";
}

function needsOf({ name }: PlanEntry): Readonly<Record<string, string>> {
  return { [`queue ${name}`]: "configure" };
}
