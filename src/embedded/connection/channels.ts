/** The channels of a connection, by their numbers. */
import { decodeMethod, idOf } from "../protocol/codec.ts";
import { AmqpError, asAmqpError, closeOf } from "../protocol/errors.ts";
import { FRAME, type Frame } from "../protocol/frames.ts";
import { type Assembled, Assembly } from "./assembly.ts";
import { Channel, type ChannelPorts } from "./channel.ts";
import { handle } from "./methods.ts";

type Opened = { readonly channel: Channel; readonly assembly: Assembly };

export class Channels {
  readonly #opened = new Map<number, Opened>();
  /** By the client, which may have sent more on them together with that. */
  readonly #closed = new Set<number>();
  readonly #ports: ChannelPorts;
  /** How many there may be; their numbers are the client's business. */
  readonly #max: number;

  constructor(ports: ChannelPorts, max: number) {
    this.#ports = ports;
    this.#max = max;
  }

  /** @throws {AmqpError} for what ends the connection. */
  accept(frame: Frame): void {
    const opened = this.#opened.get(frame.channel);
    if (!opened) {
      this.#open(frame);
      return;
    }
    const { channel, assembly } = opened;
    try {
      const assembled = assembly.push(frame);
      if (assembled) this.#handle(channel, assembled);
    } catch (error) {
      const known = asAmqpError(error);
      if (known.scope === "connection") throw known;
      // One that is over already says nothing more.
      if (channel.isClosed) return;
      channel.end();
      channel.send("channel.close", closeOf(known));
    }
  }

  /** Forgets those that are closed: what comes from now on is for others of their numbers. */
  tidy(): void {
    for (const number of this.#closed) this.#forget(number);
  }

  /** The client reads again. */
  wake(): void {
    for (const { channel } of this.#opened.values()) channel.wake();
  }

  /** Ends them all. */
  end(): void {
    for (const { channel } of this.#opened.values()) channel.end();
    this.#opened.clear();
  }

  #open({ channel: number, type, payload }: Frame): void {
    const { size } = this.#opened;
    if (size >= this.#max) {
      const text = `number of channels opened (${size}) has reached the negotiated channel_max (${this.#max})`;
      throw new AmqpError("not-allowed", text);
    }
    if (type !== FRAME.method) {
      const text = "expected method frame, got non method frame instead";
      throw new AmqpError("unexpected-frame", text);
    }
    const { name } = decodeMethod(payload);
    if (name !== "channel.open") {
      throw new AmqpError("channel-error", "expected 'channel.open'", idOf(name));
    }
    const channel = new Channel(number, this.#ports);
    this.#opened.set(number, { channel, assembly: new Assembly() });
    channel.send("channel.open-ok", { channelId: Buffer.alloc(0) });
  }

  #handle(channel: Channel, { method, content }: Assembled): void {
    try {
      if (method.name === "channel.open") {
        throw new AmqpError("channel-error", "second 'channel.open' seen");
      }
      if (method.name === "channel.close") this.#close(channel);
      else if (!channel.isClosed) handle(channel, method, content);
      else if (method.name === "channel.close-ok") this.#forget(channel.number);
    } catch (error) {
      throw asAmqpError(error, idOf(method.name));
    }
  }

  /** By the client. */
  #close(channel: Channel): void {
    const isCrossing = channel.isClosed;
    channel.end();
    channel.send("channel.close-ok", {});
    // Both have closed it: the client still has to answer.
    if (!isCrossing) this.#closed.add(channel.number);
  }

  #forget(number: number): void {
    this.#opened.delete(number);
    this.#closed.delete(number);
  }
}
