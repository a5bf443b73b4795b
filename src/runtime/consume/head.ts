/**
 * The message at the head of an ordered queue. It is retried in place, so its attempts stand in no
 * header: they are remembered here while a lost connection gives the message back to the broker.
 */
import type { ConsumeMessage } from "amqplib";
import type { Incoming } from "./incoming.ts";

export class Head {
  #known: { readonly raw: ConsumeMessage; readonly incoming: Incoming } | null = null;
  #readyAt = 0;

  /** Its next run is the attempt of `incoming`, after `delayMs`. */
  remember(raw: ConsumeMessage, incoming: Incoming, delayMs: number): void {
    this.#known = { raw, incoming };
    this.#readyAt = performance.now() + delayMs;
  }

  /** It has ended. */
  forget(): void {
    this.#known = null;
  }

  /** @returns null if this delivery is another message; else its next run, and what is left to wait. */
  recall(raw: ConsumeMessage): { readonly incoming: Incoming; readonly delayMs: number } | null {
    const known = this.#known;
    if (!known) return null;
    const { incoming } = known;
    const delayMs = Math.max(0, this.#readyAt - performance.now());
    // It has never left: a pause was over before it could.
    if (known.raw === raw) return { incoming, delayMs };
    if (!raw.fields.redelivered || !isSame(known.raw, raw)) return null;
    const message = { ...incoming.message, redelivered: true };
    return { incoming: { ...incoming, message }, delayMs };
  }
}

function isSame(a: ConsumeMessage, b: ConsumeMessage): boolean {
  return (
    a.properties.messageId === b.properties.messageId &&
    a.fields.exchange === b.fields.exchange &&
    a.fields.routingKey === b.fields.routingKey &&
    a.content.equals(b.content)
  );
}
