/** By what a message is known: the same key, the same message. */
import { createHash } from "node:crypto";
import { decodeJson } from "../../events/json.ts";
import { locateEvent } from "../../events/locate.ts";
import { valueAt } from "../../events/pointer.ts";
import { eventsOfQueue } from "../../routing/events.ts";
import type { Idempotency, Queue, Topology } from "../../topology.ts";
import type { Received } from "../consume/message.ts";

export class Keys {
  readonly #topology: () => Topology;
  /** Queues that take any JSON; by the topology in force. */
  #open = new WeakMap<Topology, Map<string, boolean>>();

  constructor(topology: () => Topology) {
    this.#topology = topology;
  }

  /** Of this project and queue alone; null: the message has nothing that it could be known by. */
  of(message: Received, queue: Queue, by: Idempotency["by"]): string | null {
    const value = this.#valueOf(message, queue, by);
    if (value === null || value === "") return null;
    // A number and its digits are two values, and so are an id and a header of the same text.
    const text = JSON.stringify([by.kind, value]);
    const digest = createHash("sha256").update(text).digest("base64url");
    return `warren:${this.#topology().project}:${encodeURIComponent(queue.name)}:${digest}`;
  }

  #valueOf(message: Received, queue: Queue, by: Idempotency["by"]): string | number | null {
    const { id, headers } = message.incoming.message;
    switch (by.kind) {
      case "message_id":
        // One that was made up here is no id: the same message would get another one next time.
        return message.raw.properties.messageId === id ? id : null;
      case "header":
        return Object.hasOwn(headers, by.name) ? scalarOf(headers[by.name]) : null;
      case "pointer":
        return scalarOf(this.#fieldOf(message, queue, by.path));
    }
  }

  /** A field of the event as the handler gets it, whichever way it was encoded. */
  #fieldOf({ incoming }: Received, queue: Queue, path: readonly string[]): unknown {
    const decoded = decodeJson(incoming.message.body);
    if (!decoded.ok) return undefined;
    const event = this.#isOpen(queue)
      ? decoded.value
      : locateEvent(incoming.message, decoded.value, this.#topology().events);
    return valueAt(event, path);
  }

  #isOpen({ name }: Queue): boolean {
    const topology = this.#topology();
    const known = this.#open.get(topology) ?? new Map<string, boolean>();
    this.#open.set(topology, known);
    const isOpen = known.get(name) ?? eventsOfQueue(topology, name) === null;
    known.set(name, isOpen);
    return isOpen;
  }
}

/** Nothing else tells messages apart. */
function scalarOf(value: unknown): string | number | null {
  return typeof value === "string" || typeof value === "number" ? value : null;
}
