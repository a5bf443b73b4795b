/** A message of a queue that this runner has, from its delivery to its end. */
import type { ConsumeMessage } from "amqplib";
import type { Delivery } from "../host/host.ts";
import type { Live } from "../intake/acks.ts";
import type { Incoming } from "./incoming.ts";

/** As it came. */
export type Received = {
  readonly incoming: Incoming;
  readonly raw: ConsumeMessage;
  readonly subscription: Live;
};

export type Message = Received & {
  /** Its next run, or the one of this moment. */
  readonly delivery: Delivery;
  /** When a request is over that has not begun, by the monotonic clock; null: never, or it has begun. */
  readonly expiresAt: number | null;
  /** It was acknowledged when it was given to the handler: nobody has it but this runner. */
  readonly isAcked?: boolean;
};

/**
 * The message for one run more.
 *
 * @param id of that run alone: what comes late of an earlier one is never taken for this one's.
 */
export function forRun(received: Omit<Message, "delivery">, id: number): Message {
  const { incoming, raw, subscription, expiresAt, isAcked = false } = received;
  const { attempt, message } = incoming;
  const delivery = { id, queue: message.queue, attempt, message };
  return { delivery, incoming, raw, subscription, expiresAt, isAcked };
}

/** Acknowledges it on the channel that brought it. */
export function ack({ subscription, raw }: Received): void {
  subscription.acks.ack(raw.fields.deliveryTag);
}

/** Gives it back on the channel that brought it, uncounted. */
export function handBack({ subscription, raw }: Received): void {
  subscription.acks.handBack(raw.fields.deliveryTag);
}
