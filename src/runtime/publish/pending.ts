/** A message on its way to the broker. */
import { NUMBERS } from "../../numbers.ts";
import type { Outgoing, PublishOutcome, RequestLimits } from "./publisher.ts";

/** Of a channel that consumes it: the broker makes it an address of that channel's. */
export const DIRECT_REPLY = "amq.rabbitmq.reply-to";

export type PendingPorts = {
  /** Its outcome is known. */
  readonly onSettled: (pending: Pending) => void;
  /** Neither the broker nor the socket's buffer holds it any more. */
  readonly onReleased: (pending: Pending) => void;
};

const nothing = () => undefined;

/** One message, from when it is accepted to the broker's last word of it. */
export class Pending {
  readonly id: number;
  readonly message: Outgoing;
  readonly outcome: Promise<PublishOutcome>;
  /** It may be on the broker already. */
  wasSent = false;
  /** Why the broker has returned it. */
  returned: string | null = null;
  readonly #deadlineMs: number;
  readonly #limits: RequestLimits;
  readonly #ports: PendingPorts;
  readonly #deadline: NodeJS.Timeout;
  #resolve: (outcome: PublishOutcome) => void = nothing;
  #onReleased: ((outcome: PublishOutcome) => void) | null = null;
  #isSettled = false;
  #isReleased = false;

  constructor(id: number, message: Outgoing, limits: RequestLimits, ports: PendingPorts) {
    this.id = id;
    this.message = message;
    this.#deadlineMs = Math.min(limits.withinMs, NUMBERS.publishDeadlineMs);
    this.#limits = limits;
    this.#ports = ports;
    this.#deadline = setTimeout(expire, this.#deadlineMs, this);
    this.outcome = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  /** Nothing has to become of it any more. */
  get isSettled(): boolean {
    return this.#isSettled || this.#limits.isOver;
  }

  /** Once; later calls do nothing. */
  settle(outcome: PublishOutcome): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    clearTimeout(this.#deadline);
    this.#resolve(outcome);
    this.#ports.onSettled(this);
  }

  /**
   * Neither the broker nor the socket's buffer holds it any more.
   *
   * @param outcome the broker's word.
   */
  release(outcome: PublishOutcome): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.settle(outcome);
    this.#onReleased?.(outcome);
    this.#ports.onReleased(this);
  }

  /** Its time is over: what was not sent is never sent, of anything else nobody knows. */
  expire(): void {
    const limit = `${this.#deadlineMs} ms`;
    if (!this.wasSent) {
      this.settle({ status: "disconnected", message: `not sent within ${limit}` });
      return;
    }
    const later = new Promise<PublishOutcome>((resolve) => {
      this.#onReleased = resolve;
    });
    const message = `sent, but not confirmed within ${limit}`;
    this.settle({ status: "outcome-unknown", message, later });
  }
}

function expire(pending: Pending): void {
  pending.expire();
}

/** Whether it goes over direct reply-to: to a channel that waits for it, not to a queue. */
export function isDirectReply({
  exchange,
  routingKey,
}: Pick<Outgoing, "exchange" | "routingKey">): boolean {
  return exchange === "" && routingKey.startsWith(`${DIRECT_REPLY}.`);
}
