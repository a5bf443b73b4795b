/** The consumers of a queue, and whose turn it is. */
import type { Entry } from "./entry.ts";

/** What a queue knows of a consumer; the rest is its channel's business. */
export type Consumer = {
  readonly tag: string;
  readonly noAck: boolean;
  readonly exclusive: boolean;
  readonly priority: number;
  /** 0: any number. */
  readonly prefetch: number;
  /** Deliveries that it has not settled. */
  inFlight: number;
  /** Whether its connection takes more bytes. */
  readonly canSend: () => boolean;
  readonly deliver: (entry: Entry) => void;
  /** The queue is gone, and it with it. */
  readonly cancelled: () => void;
};

export class Consumers {
  readonly #isSingleActive: boolean;
  /** A quorum queue hands over to a higher priority, and a classic one to the next in line. */
  readonly #prefersHigher: boolean;
  /** Those that may have room, in the order of their turns; higher priorities first. */
  #line: Consumer[] = [];
  /** Those that had none when their turn came. */
  readonly #full = new Set<Consumer>();
  readonly #all = new Set<Consumer>();
  #active: Consumer | null = null;

  constructor(options: { readonly isSingleActive: boolean; readonly prefersHigher: boolean }) {
    this.#isSingleActive = options.isSingleActive;
    this.#prefersHigher = options.prefersHigher;
  }

  get count(): number {
    return this.#all.size;
  }

  get all(): readonly Consumer[] {
    return [...this.#all];
  }

  get hasExclusive(): boolean {
    return [...this.#all].some(({ exclusive }) => exclusive);
  }

  add(consumer: Consumer): void {
    this.#all.add(consumer);
    this.#join(consumer);
    if (this.#isSingleActive) this.#elect();
  }

  /** @returns false if it is none of these. */
  remove(consumer: Consumer): boolean {
    if (!this.#all.delete(consumer)) return false;
    this.#full.delete(consumer);
    this.#line = this.#line.filter((one) => one !== consumer);
    if (this.#active === consumer) this.#active = null;
    if (this.#isSingleActive) this.#elect();
    return true;
  }

  /** Whose turn it is; null: nobody has room. */
  next(): Consumer | null {
    if (this.#isSingleActive) {
      this.#elect();
      const active = this.#active;
      return active && !this.#isLeaving(active) && hasRoom(active) ? active : null;
    }
    for (;;) {
      const [consumer] = this.#line;
      if (!consumer) return null;
      this.#line.shift();
      if (hasRoom(consumer)) {
        this.#join(consumer);
        return consumer;
      }
      this.#full.add(consumer);
    }
  }

  /** It may have room again. */
  freed(consumer: Consumer): void {
    if (this.#full.has(consumer) && hasRoom(consumer)) {
      this.#full.delete(consumer);
      this.#join(consumer);
    }
  }

  #join(consumer: Consumer): void {
    const at = this.#line.findIndex(({ priority }) => priority < consumer.priority);
    if (at < 0) this.#line.push(consumer);
    else this.#line.splice(at, 0, consumer);
  }

  /** A higher priority waits, so that this one gets nothing more. */
  #isLeaving(active: Consumer): boolean {
    return this.#prefersHigher && [...this.#all].some(({ priority }) => priority > active.priority);
  }

  #elect(): void {
    const active = this.#active;
    if (active && !(this.#isLeaving(active) && active.inFlight === 0)) return;
    const candidates = [...this.#all];
    const highest = Math.max(...candidates.map(({ priority }) => priority));
    this.#active = candidates.find(({ priority }) => priority === highest) ?? null;
  }
}

function hasRoom({ noAck, prefetch, inFlight, canSend }: Consumer): boolean {
  return (noAck || prefetch === 0 || inFlight < prefetch) && canSend();
}
