/** One client's connection, from the protocol header to the end of its socket. */
import type { Socket } from "node:net";
import type { Broker, Client } from "../model/broker.ts";
import type { Content } from "../model/message.ts";
import type { Vhost } from "../model/vhost.ts";
import { idOf } from "../protocol/codec.ts";
import { AmqpError } from "../protocol/errors.ts";
import { FRAME, type Frame, FrameReader, frameError } from "../protocol/frames.ts";
import type { Args, Method, MethodName } from "../protocol/methods.ts";
import { Assembly } from "./assembly.ts";
import { Channel, type ChannelPorts } from "./channel.ts";
import {
  type ClientFacts,
  checkTuning,
  FRAME_MIN,
  has,
  LIMITS,
  logIn,
  PROTOCOL_HEADER,
  startMethod,
} from "./handshake.ts";
import { startHeartbeat } from "./heartbeat.ts";
import { handle } from "./methods.ts";
import { Outbox } from "./outbox.ts";

/**
 * | state    | waits for |
 * |----------|-----------|
 * | new      | the protocol header |
 * | starting | who it is |
 * | tuning   | what was negotiated |
 * | opening  | the vhost |
 * | open     | anything |
 * | closing  | the client to know that it is over |
 * | ended    | nothing: its socket goes |
 */
type State = "new" | "starting" | "tuning" | "opening" | "open" | "closing" | "ended";

/** For a client to begin, or to see that it is over. */
const PATIENCE_MS = 10_000;
/** For a client to read the last frame before its socket ends. */
const LAST_WORDS_MS = 100;

type Opened = { readonly channel: Channel; readonly assembly: Assembly };

export class Connection implements Client {
  readonly #broker: Broker;
  readonly #socket: Socket;
  readonly #outbox: Outbox;
  readonly #reader = new FrameReader(FRAME_MIN);
  readonly #assembly = new Assembly();
  readonly #channels = new Map<number, Opened>();
  readonly #toFlush = new Set<Channel>();
  #state: State = "new";
  #facts: ClientFacts = { user: "", name: undefined, tellsCancels: false, tellsBlocks: false };
  #vhost: Vhost | null = null;
  #channelMax = LIMITS.channelMax as number;
  #patience: NodeJS.Timeout | null = null;
  #stopHeartbeat: () => void = () => undefined;
  #isFlushing = false;

  constructor(broker: Broker, socket: Socket) {
    this.#broker = broker;
    this.#socket = socket;
    this.#outbox = new Outbox(socket);
    this.#wait();
    socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    socket.on("drain", () => this.#drained());
    socket.on("error", () => undefined);
    socket.on("close", () => this.#ended());
  }

  get user(): string {
    return this.#facts.user;
  }

  get vhost(): string {
    return this.#vhost?.name ?? "";
  }

  get name(): string {
    const { remoteAddress, remotePort } = this.#socket;
    return this.#facts.name ?? `${remoteAddress}:${remotePort}`;
  }

  forceClose(reason: string): void {
    if (this.#state === "closing" || this.#state === "ended") return;
    this.#fail(new AmqpError("connection-forced", reason), null);
    this.#flush();
  }

  /** Ends its socket at once. */
  destroy(): void {
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    this.#reader.push(chunk);
    if (this.#state === "new" && !this.#begin()) return;
    this.#readFrames();
    this.#flush();
    // Who does not read is not listened to, so that no answers pile up.
    if (this.#outbox.isCongested) this.#socket.pause();
  }

  #begin(): boolean {
    const header = this.#reader.takeBytes(PROTOCOL_HEADER.length);
    if (!header) return false;
    if (!header.equals(PROTOCOL_HEADER)) {
      this.#outbox.raw(PROTOCOL_HEADER);
      this.#flush();
      this.#end();
      return false;
    }
    this.#state = "starting";
    this.#send(0, "connection.start", startMethod());
    return true;
  }

  #readFrames(): void {
    while (this.#state !== "ended") {
      let method: Method | null = null;
      try {
        const frame = this.#reader.next();
        if (!frame) return;
        this.#accept(frame, (one) => {
          method = one;
        });
      } catch (error) {
        this.#fail(asAmqpError(error), method);
        // The stream can't be followed any more.
        if (error instanceof AmqpError && error.replyCode === 501) this.#end();
      }
    }
  }

  #accept(frame: Frame, knows: (method: Method) => void): void {
    const { type, channel: number, payload } = frame;
    if (type === FRAME.heartbeat && number === 0 && payload.length === 0) return;
    const isKnown = type === FRAME.method || type === FRAME.header || type === FRAME.body;
    if (!isKnown) throw frameError(type, payload, "unknown_frame");
    const opened = number === 0 ? null : this.#channels.get(number);
    const assembly = opened?.assembly ?? this.#assembly;
    const assembled = assembly.push(frame);
    if (!assembled) return;
    const { method, content } = assembled;
    knows(method);
    if (number === 0) {
      this.#handle(method);
      return;
    }
    if (this.#state !== "open") return;
    if (!opened) {
      this.#openChannel(number, method);
      return;
    }
    try {
      this.#handleOn(opened, method, content);
    } catch (error) {
      const known = asAmqpError(error);
      if (known.scope === "connection") throw known;
      this.#failChannel(opened.channel, known, method);
    }
  }

  /** @throws {AmqpError} */
  #handle({ name, args }: Method): void {
    const state = this.#state;
    if (name === "connection.close-ok" && state === "closing") this.#end();
    else if (name === "connection.close" && state !== "new") {
      this.#endChannels();
      this.#send(0, "connection.close-ok", {});
      this.#flush();
      this.#end();
    } else if (state === "closing") return;
    else if (name === "connection.start-ok" && state === "starting") this.#logIn(args);
    else if (name === "connection.tune-ok" && state === "tuning") this.#tune(args);
    else if (name === "connection.open" && state === "opening") this.#open(args);
    else if (name === "connection.update-secret" && state === "open") {
      this.#send(0, "connection.update-secret-ok", {});
    } else {
      throw new AmqpError("channel-error", "unexpected method in connection state running");
    }
  }

  #logIn(args: Args<"connection.start-ok">): void {
    try {
      this.#facts = logIn(this.#broker, args);
    } catch (error) {
      // Only a client that asks for it is told why.
      if (has(args.clientProperties, "authentication_failure_close")) throw error;
      this.#end();
      return;
    }
    this.#state = "tuning";
    this.#send(0, "connection.tune", LIMITS);
  }

  #tune(args: Args<"connection.tune-ok">): void {
    checkTuning(args);
    this.#channelMax = args.channelMax;
    this.#reader.frameMax = args.frameMax;
    this.#outbox.frameMax = args.frameMax;
    this.#state = "opening";
    this.#stopHeartbeat = startHeartbeat(args.heartbeat, {
      read: () => this.#socket.bytesRead,
      written: () => this.#socket.bytesWritten,
      beat: () => {
        this.#outbox.heartbeat();
        this.#flush();
      },
      onSilence: () => this.#socket.destroy(),
    });
  }

  #open({ virtualHost }: Args<"connection.open">): void {
    if (!this.#broker.users.mayEnter(this.user, virtualHost)) {
      const text = `access to vhost '${virtualHost}' refused for user '${this.user}'`;
      throw new AmqpError("not-allowed", text);
    }
    this.#vhost = this.#broker.vhost(virtualHost);
    this.#broker.clients.add(this);
    this.#state = "open";
    if (this.#patience) clearTimeout(this.#patience);
    this.#send(0, "connection.open-ok", { knownHosts: "" });
  }

  #openChannel(number: number, { name }: Method): void {
    // What was sent before the client knew that its channel is closed.
    if (name === "channel.close-ok" || name === "channel.close") {
      if (name === "channel.close") this.#send(number, "channel.close-ok", {});
      return;
    }
    if (name !== "channel.open") throw new AmqpError("channel-error", "expected 'channel.open'");
    if (this.#channels.size >= this.#channelMax || number > this.#channelMax) {
      const text = `number of channels opened (${this.#channels.size}) has reached the negotiated channel_max (${this.#channelMax})`;
      throw new AmqpError("not-allowed", text);
    }
    const channel = new Channel(number, this.#ports());
    this.#channels.set(number, { channel, assembly: new Assembly() });
    this.#send(number, "channel.open-ok", { channelId: Buffer.alloc(0) });
  }

  #handleOn({ channel }: Opened, method: Method, content: Content | null): void {
    const { number } = channel;
    if (method.name === "channel.close") {
      channel.end();
      this.#channels.delete(number);
      this.#send(number, "channel.close-ok", {});
    } else if (method.name === "channel.close-ok") {
      if (channel.isClosed) this.#channels.delete(number);
    } else if (channel.isClosed) return;
    else if (method.name === "channel.open") {
      throw new AmqpError("channel-error", "second 'channel.open' seen");
    } else handle(channel, method, content);
  }

  #ports(): ChannelPorts {
    return {
      broker: this.#broker,
      vhost: this.#vhost ?? this.#broker.vhost("/"),
      user: this.user,
      owner: this,
      send: (channel, name, args) => this.#send(channel, name, args),
      sendContent: (channel, method, header, body) => {
        this.#outbox.content(channel, method, header, body);
        this.#flushLater();
      },
      canSend: () => this.#state === "open" && !this.#outbox.isCongested,
      tellsCancels: this.#facts.tellsCancels,
      flushLater: (channel) => {
        this.#toFlush.add(channel);
        this.#flushLater();
      },
    };
  }

  #failChannel(channel: Channel, error: AmqpError, method: Method): void {
    channel.end();
    this.#send(channel.number, "channel.close", closeOf(error, method.name));
  }

  #fail(error: AmqpError, method: Method | null): void {
    if (this.#state === "closing" || this.#state === "ended") return;
    this.#endChannels();
    this.#state = "closing";
    this.#wait();
    this.#send(0, "connection.close", closeOf(error, method?.name ?? null));
  }

  #send<N extends MethodName>(channel: number, name: N, args: Args<N>): void {
    this.#outbox.method(channel, name, args);
    this.#flushLater();
  }

  /** Whatever this tick has for the client goes together. */
  #flushLater(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    queueMicrotask(() => this.#flush());
  }

  #flush(): void {
    this.#isFlushing = false;
    for (const channel of this.#toFlush) channel.flush();
    this.#toFlush.clear();
    this.#outbox.flush();
  }

  #drained(): void {
    if (this.#outbox.isCongested) return;
    this.#socket.resume();
    for (const { channel } of this.#channels.values()) channel.wake();
    this.#flush();
  }

  #endChannels(): void {
    for (const { channel } of this.#channels.values()) channel.end();
    this.#channels.clear();
    const vhost = this.#vhost;
    if (!vhost) return;
    for (const queue of [...vhost.queues.values()]) {
      if (queue.owner === this) vhost.removeQueue(queue);
    }
  }

  /** A client has so long for what comes next. */
  #wait(): void {
    if (this.#patience) clearTimeout(this.#patience);
    this.#patience = setTimeout(() => this.#socket.destroy(), PATIENCE_MS);
  }

  /** The last frame is sent: the client may still be writing. */
  #end(): void {
    this.#state = "ended";
    this.#flush();
    const socket = this.#socket;
    socket.removeAllListeners("data");
    socket.resume();
    setTimeout(() => socket.end(() => socket.destroy()), LAST_WORDS_MS);
  }

  #ended(): void {
    this.#state = "ended";
    if (this.#patience) clearTimeout(this.#patience);
    this.#stopHeartbeat();
    this.#broker.clients.delete(this);
    this.#endChannels();
  }
}

function closeOf(error: AmqpError, method: MethodName | null): Args<"connection.close"> {
  const [classId, methodId] = method ? idOf(method) : [0, 0];
  return { replyCode: error.replyCode, replyText: error.replyText, classId, methodId };
}

/** What is no mistake of the client's is the broker's. */
function asAmqpError(error: unknown): AmqpError {
  return error instanceof AmqpError ? error : new AmqpError("internal-error", String(error));
}
