/** Who was given which message, and what the runner told the broker of it: kept from the wire. */
import type { Tap } from "../test/support/proxy.ts";
import { now } from "./clock.ts";
import { type WireEvent, WireReader } from "./wire.ts";

/** One delivery of a message to a runner; times are those of `now`. */
export type Delivery = {
  readonly id: string;
  readonly queue: string;
  readonly at: number;
  readonly redelivered: boolean;
  settled: { readonly as: "ack" | "nack"; readonly at: number } | null;
  /** Of the channel that brought it. */
  readonly channel: { readonly end: ChannelEnd | null };
};

/** `isOrderly`: the runner itself closed the channel or the connection. */
export type ChannelEnd = { readonly at: number; readonly isOrderly: boolean };

/** One publish of a runner. */
export type Publishing = {
  readonly id: string;
  readonly exchange: string;
  readonly key: string;
  readonly at: number;
  confirmedAt: number | null;
  wasReturned: boolean;
};

export type Settlements = {
  readonly deliveries: readonly Delivery[];
  readonly publishings: readonly Publishing[];
  /** Acks of a tag that is not outstanding on its channel. */
  readonly strayAcks: readonly { readonly at: number; readonly tag: number }[];
  /** Connections that the runner closed before the channel of this queue, with so many deliveries open. */
  readonly hastyCloses: readonly { readonly queue: string; readonly open: number }[];
  /** `channel 404` or `connection 320` → how often. */
  readonly closes: Readonly<Record<string, number>>;
  /** What the broker closed for a mistake of the runner. */
  readonly blamedCloses: readonly { readonly code: number; readonly text: string }[];
};

/**
 * A tag that is not known or too late, and whatever breaks the protocol. A declaration that differs
 * from what is there is how a runner finds a conflict.
 *
 * @see https://www.rabbitmq.com/amqp-0-9-1-reference.html#constants
 */
const BLAMES = new Set([406, 501, 502, 503, 504, 505]);
const CONFLICT = /inequivalent arg/;

type Channel = {
  queue: string;
  readonly life: { end: ChannelEnd | null };
  nextPublish: number;
  readonly outstanding: Map<number, Delivery>;
  readonly unconfirmed: Map<number, Publishing>;
};

/** Watches every connection that is opened with one of its taps. */
export class SettlementLedger implements Settlements {
  readonly deliveries: Delivery[] = [];
  readonly publishings: Publishing[] = [];
  readonly strayAcks: { at: number; tag: number }[] = [];
  readonly hastyCloses: { queue: string; open: number }[] = [];
  readonly closes: Record<string, number> = {};
  readonly blamedCloses: { code: number; text: string }[] = [];

  /** For one connection. */
  readonly openTap = (): Tap => {
    const channels = new Map<number, Channel>();
    const fromClient = new WireReader((event) => this.#ofRunner(channels, event));
    const fromTarget = new WireReader((event) => this.#ofBroker(channels, event));
    return {
      fromClient: (chunk) => fromClient.push(chunk),
      fromTarget: (chunk) => fromTarget.push(chunk),
      ended: () => this.#endAll(channels, false),
    };
  };

  #ofRunner(channels: Map<number, Channel>, event: WireEvent): void {
    if (event.kind === "open") channels.set(event.channel, newChannel());
    if (event.kind === "connection-close") this.#closed(channels, "by the runner", event);
    const channel = channels.get(event.channel);
    if (!channel) return;
    if (event.kind === "consume") channel.queue = event.queue;
    if (event.kind === "publish") {
      const { id, exchange, key } = event;
      const publishing = { id, exchange, key, at: now(), confirmedAt: null, wasReturned: false };
      channel.unconfirmed.set(channel.nextPublish++, publishing);
      this.publishings.push(publishing);
    }
    if (event.kind === "ack" || event.kind === "nack") this.#settle(channel, event);
    if (event.kind === "close") {
      channel.life.end = { at: now(), isOrderly: true };
      channels.delete(event.channel);
    }
  }

  #ofBroker(channels: Map<number, Channel>, event: WireEvent): void {
    if (event.kind === "connection-close") {
      this.#closed(channels, "by the broker", event);
      this.#blame(event);
    }
    const channel = channels.get(event.channel);
    if (!channel) return;
    if (event.kind === "deliver") {
      const { id, tag, redelivered } = event;
      const at = now();
      const { queue, life } = channel;
      const delivery = { id, queue, at, redelivered, settled: null, channel: life };
      channel.outstanding.set(tag, delivery);
      this.deliveries.push(delivery);
    }
    if (event.kind === "return") {
      // The oldest unconfirmed one with this id: its confirm comes next.
      const returned = [...channel.unconfirmed.values()].find(({ id }) => id === event.id);
      if (returned) returned.wasReturned = true;
    }
    if (event.kind === "ack") {
      for (const publishing of take(channel.unconfirmed, event)) publishing.confirmedAt = now();
    }
    if (event.kind === "nack") take(channel.unconfirmed, event);
    if (event.kind === "close") {
      this.#count(`channel ${event.code}`);
      this.#blame(event);
      channel.life.end = { at: now(), isOrderly: false };
      channels.delete(event.channel);
    }
  }

  #settle(channel: Channel, event: Extract<WireEvent, { kind: "ack" | "nack" }>): void {
    const settled = take(channel.outstanding, event);
    const at = now();
    for (const delivery of settled) delivery.settled = { as: event.kind, at };
    if (settled.length === 0) this.strayAcks.push({ at, tag: event.tag });
  }

  #closed(
    channels: Map<number, Channel>,
    who: "by the runner" | "by the broker",
    { code }: { readonly code: number },
  ): void {
    this.#count(`connection ${code} ${who}`);
    const isOrderly = who === "by the runner";
    for (const { queue, outstanding } of isOrderly ? channels.values() : []) {
      if (outstanding.size > 0) this.hastyCloses.push({ queue, open: outstanding.size });
    }
    this.#endAll(channels, isOrderly);
  }

  #endAll(channels: Map<number, Channel>, isOrderly: boolean): void {
    for (const channel of channels.values()) channel.life.end = { at: now(), isOrderly };
    channels.clear();
  }

  #blame({ code, text }: { readonly code: number; readonly text: string }): void {
    if (BLAMES.has(code) && !CONFLICT.test(text)) this.blamedCloses.push({ code, text });
  }

  #count(name: string): void {
    this.closes[name] = (this.closes[name] ?? 0) + 1;
  }
}

function newChannel(): Channel {
  return {
    queue: "",
    life: { end: null },
    nextPublish: 1,
    outstanding: new Map(),
    unconfirmed: new Map(),
  };
}

/** Removes the tag, or all up to it, and returns what they stood for. */
function take<T>(
  open: Map<number, T>,
  { tag, multiple }: { readonly tag: number; readonly multiple: boolean },
): T[] {
  const tags = multiple ? [...open.keys()].filter((one) => one <= tag) : [tag];
  return tags.flatMap((one) => {
    const value = open.get(one);
    open.delete(one);
    return value === undefined ? [] : [value];
  });
}
