/** The deliveries of a channel that its client has not settled, by their tags. */
import { AmqpError } from "../protocol/errors.ts";
import type { Consumer } from "../queues/consumers.ts";
import type { Entry } from "../queues/entry.ts";
import type { Queue, Settlement, Unsettled } from "../queues/queue.ts";

type Delivery = Unsettled & { readonly queue: Queue };

export class Deliveries {
  readonly #unsettled = new Map<number, Delivery>();

  get count(): number {
    return this.#unsettled.size;
  }

  add(tag: number, delivery: Delivery): void {
    this.#unsettled.set(tag, delivery);
  }

  /**
   * @param multiple all up to this tag; 0: all there are.
   * @throws {AmqpError} 406 for a tag that is none; nothing is settled then.
   */
  settle(tag: number, multiple: boolean, how: Settlement): void {
    const isAll = multiple && tag === 0;
    if (!isAll && !this.#unsettled.has(tag)) {
      throw new AmqpError("precondition-failed", `unknown delivery tag ${tag}`);
    }
    const taken = multiple
      ? this.#takeUpTo(isAll ? Number.POSITIVE_INFINITY : tag)
      : this.#take(tag);
    for (const { queue, consumer, entries } of grouped(taken)) {
      queue.settle(entries, how, consumer);
    }
  }

  /** All of them, by queue, the first one first; they are nobody's now. */
  takeAll(): ReadonlyMap<Queue, readonly Unsettled[]> {
    const byQueue = new Map<Queue, Unsettled[]>();
    for (const { queue, ...delivery } of this.#unsettled.values()) {
      const deliveries = byQueue.get(queue);
      if (deliveries) deliveries.push(delivery);
      else byQueue.set(queue, [delivery]);
    }
    this.#unsettled.clear();
    return byQueue;
  }

  #takeUpTo(last: number): readonly Delivery[] {
    const taken: Delivery[] = [];
    for (const [tag, delivery] of this.#unsettled) {
      if (tag > last) break;
      this.#unsettled.delete(tag);
      taken.push(delivery);
    }
    return taken;
  }

  #take(tag: number): readonly Delivery[] {
    const delivery = this.#unsettled.get(tag);
    this.#unsettled.delete(tag);
    return delivery ? [delivery] : [];
  }
}

type Group = {
  readonly queue: Queue;
  readonly consumer: Consumer | null;
  readonly entries: Entry[];
};

/** As RabbitMQ settles them: queue by queue, those that were got first, then by consumer tag. */
function grouped(taken: readonly Delivery[]): readonly Group[] {
  if (taken.length === 1) {
    return taken.map(({ queue, consumer, entry }) => ({ queue, consumer, entries: [entry] }));
  }
  const groups: Group[] = [];
  const known = new Map<Queue, Map<Consumer | null, Group>>();
  for (const { queue, consumer, entry } of taken) {
    const ofQueue = known.get(queue) ?? new Map<Consumer | null, Group>();
    known.set(queue, ofQueue);
    const group = ofQueue.get(consumer);
    if (group) group.entries.push(entry);
    else {
      const added = { queue, consumer, entries: [entry] };
      ofQueue.set(consumer, added);
      groups.push(added);
    }
  }
  return groups.length === 1 ? groups : groups.sort(byNames);
}

function byNames(a: Group, b: Group): number {
  if (a.queue !== b.queue) return a.queue.name < b.queue.name ? -1 : 1;
  return (a.consumer?.tag ?? "") < (b.consumer?.tag ?? "") ? -1 : 1;
}
