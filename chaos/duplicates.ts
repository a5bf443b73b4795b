/** Which messages were handled more than once, and why that may be. Pure. */
import type { Evidence, Happened } from "./evidence.ts";
import { group } from "./group.ts";
import type { Delivery, Publishing } from "./settlements.ts";

/** By which a message of a classic queue that was given back is counted, before it is handled. */
export const REQUEUE = "warren.chaos.requeue";
/** How long after its begin a fault may still cost a connection: heartbeats take so long. */
const AFTERMATH_MS = 15_000;
/** Acks so shortly before a fault may not have reached the broker's disk. */
const DOUBT_MS = 5_000;

export type Duplicate = {
  readonly id: string;
  /** Successful runs beyond the first. */
  readonly extra: number;
  /** How many of them have a cause in a fault. */
  readonly explained: number;
  /** When it was handled again for the first time. */
  readonly at: number;
};

/**
 * Every message that was handled more than once. What explains it: deliveries on channels that
 * ended with a connection-losing fault, unless they were settled long before it; and second
 * publishes of the same message or copy, after an outcome that was unknown.
 */
export function duplicates({ runs, wire, faults }: Evidence): readonly Duplicate[] {
  const handled = group(
    runs.filter(({ outcome }) => outcome === "handled"),
    ({ id }) => id,
  );
  const repeated = [...handled].filter(([, { length }]) => length > 1);
  const deliveries = group(wire.deliveries, ({ id }) => id);
  const publishings = group(wire.publishings, ({ id }) => id);
  return repeated.map(([id, oks]) => {
    const delivered = deliveries.get(id) ?? [];
    const lost = delivered.filter((one) => isInDoubt(one, faults)).length;
    const times = oks.map(({ end }) => end).sort((a, b) => a - b);
    const explained = lost + secondPublishes(publishings.get(id) ?? [], delivered);
    return { id, extra: oks.length - 1, explained, at: times[1] ?? 0 };
  });
}

/** Beyond the one that each step needs; a message that was given back needs one each time. */
function secondPublishes(published: readonly Publishing[], delivered: readonly Delivery[]): number {
  const steps = group(published, ({ exchange, key }) => `${exchange} ${key}`);
  const redelivered = delivered.filter((one) => one.redelivered).length;
  return [...steps.values()].reduce((sum, step) => {
    const needed = step[0]?.exchange === REQUEUE ? redelivered : 1;
    return sum + Math.max(0, step.length - needed);
  }, 0);
}

function isInDoubt({ channel: { end }, settled }: Delivery, faults: readonly Happened[]): boolean {
  if (end === null || end.isOrderly) return false;
  const cause = faults.find(
    (fault) =>
      fault.losesConnections && fault.begin <= end.at && end.at <= fault.end + AFTERMATH_MS,
  );
  return cause !== undefined && (settled === null || settled.at > cause.begin - DOUBT_MS);
}
