/** One client's connection, from the protocol header to the end of its socket. */
import type { Socket } from "node:net";
import type { Broker, Client } from "../model/broker.ts";
import { decodeMethod, methodIdOf } from "../protocol/codec.ts";
import { AmqpError, asAmqpError, closeOf } from "../protocol/errors.ts";
import { checkFrame, FRAME, type Frame, FrameReader, unexpectedFrame } from "../protocol/frames.ts";
import type { Args, Method, MethodName } from "../protocol/methods.ts";
import type { Channel, ChannelPorts } from "./channel.ts";
import { Channels } from "./channels.ts";
import {
  type ClientFacts,
  checkTuning,
  FRAME_MIN,
  isProtocolHeader,
  isToldWhy,
  LIMITS,
  logIn,
  PROTOCOL_HEADER,
  startMethod,
} from "./handshake.ts";
import { startHeartbeat } from "./heartbeat.ts";
import { Outbox } from "./outbox.ts";

/**
 * | state    | waits for |
 * |----------|-----------|
 * | new      | the protocol header |
 * | starting | who it is |
 * | tuning   | what was negotiated |
 * | opening  | the vhost |
 * | running  | anything |
 * | closing  | the client to know that it is over |
 * | ended    | nothing: its socket goes |
 */
type State = "new" | "starting" | "tuning" | "opening" | "running" | "closing" | "ended";

/** For a client to begin, or to see that it is over. */
const PATIENCE_MS = 10_000;
/** For a client to read the last frame before its socket ends. */
const LAST_WORDS_MS = 100;

export class Connection implements Client {
  readonly #broker: Broker;
  readonly #socket: Socket;
  readonly #outbox: Outbox;
  readonly #reader = new FrameReader(FRAME_MIN);
  readonly #toFlush = new Set<Channel>();
  #state: State = "new";
  #facts: ClientFacts = { user: "", name: undefined, tellsCancels: false, tellsBlocks: false };
  #tuning = { channelMax: 0, frameMax: 0 };
  #vhost = "";
  #channels: Channels | null = null;
  #patience: NodeJS.Timeout | null = null;
  #stopHeartbeat: () => void = () => undefined;
  #isFlushing = false;
  /** It has published while there was no room, and waits for some. */
  #isBlocked = false;

  constructor(broker: Broker, socket: Socket) {
    this.#broker = broker;
    this.#socket = socket;
    this.#outbox = new Outbox(socket);
    this.#wait();
    socket.on("data", (chunk: Buffer) => {
      if (this.#state === "ended") return;
      this.#reader.push(chunk);
      this.#read();
    });
    socket.on("drain", () => this.#drained());
    socket.on("error", () => undefined);
    socket.on("close", () => this.#gone());
  }

  get user(): string {
    return this.#facts.user;
  }

  get vhost(): string {
    return this.#vhost;
  }

  get name(): string {
    const { remoteAddress, remotePort } = this.#socket;
    return this.#facts.name ?? `${remoteAddress}:${remotePort}`;
  }

  forceClose(reason: string): void {
    this.#fail(new AmqpError("connection-forced", reason));
    this.#read();
  }

  /** There is room for messages again. */
  unblock(): void {
    if (!this.#isBlocked) return;
    this.#isBlocked = false;
    if (this.#facts.tellsBlocks) this.#send(0, "connection.unblocked", {});
    this.#read();
  }

  /** Goes through what has come, as far as it may. */
  #read(): void {
    if (this.#state === "new" && !this.#begin()) return;
    while (!this.#isDeaf) {
      try {
        const frame = this.#next();
        if (!frame) break;
        this.#accept(frame);
      } catch (error) {
        this.#fail(asAmqpError(error));
      }
    }
    this.#flush();
    if (this.#isBlocked || this.#outbox.isCongested) this.#socket.pause();
    else if (this.#socket.isPaused()) this.#socket.resume();
  }

  /** Who does not read is not listened to, so that no answers pile up; nor is who has to wait. */
  get #isDeaf(): boolean {
    return this.#state === "ended" || this.#isBlocked || this.#outbox.isCongested;
  }

  #begin(): boolean {
    const header = this.#reader.takeBytes(PROTOCOL_HEADER.length);
    if (!header) return false;
    if (isProtocolHeader(header)) {
      this.#state = "starting";
      this.#send(0, "connection.start", startMethod());
      return true;
    }
    this.#outbox.raw(PROTOCOL_HEADER);
    this.#end();
    return false;
  }

  #next(): Frame | null {
    try {
      return this.#reader.next();
    } catch (error) {
      this.#fail(asAmqpError(error));
      // The stream can't be followed any more.
      this.#end();
      return null;
    }
  }

  /** @throws {AmqpError} for what ends the connection. */
  #accept(frame: Frame): void {
    const { type, channel, payload } = frame;
    const isMethod = type === FRAME.method;
    if (this.#state === "closing" && !(channel === 0 && isMethod)) return;
    checkFrame(frame);
    if (channel === 0 && isMethod) {
      try {
        this.#handle(decodeMethod(payload));
      } catch (error) {
        throw asAmqpError(error, methodIdOf(payload));
      }
    } else if (channel !== 0 && this.#channels && type !== FRAME.heartbeat) {
      this.#channels.accept(frame);
      if (!isMethod && this.#broker.memory.isFull) this.#block();
    } else if (channel !== 0 || type !== FRAME.heartbeat) throw unexpectedFrame(frame);
  }

  #handle({ name, args }: Method): void {
    const state = this.#state;
    const isClosable = state === "running" || state === "closing";
    if (name === "connection.close" && isClosable) this.#close();
    else if (state === "closing") {
      if (name === "connection.close-ok") this.#end();
    } else if (name === "connection.start-ok" && state === "starting") this.#logIn(args);
    else if (name === "connection.tune-ok" && state === "tuning") this.#tune(args);
    else if (name === "connection.open" && state === "opening") this.#open(args);
    else if (name === "connection.update-secret" && state === "running") {
      this.#send(0, "connection.update-secret-ok", {});
    } else {
      throw new AmqpError("channel-error", `unexpected method in connection state ${state}`);
    }
  }

  #logIn(args: Args<"connection.start-ok">): void {
    try {
      this.#facts = logIn(this.#broker, args);
    } catch (error) {
      if (!isToldWhy(args.clientProperties, error)) throw error;
      this.#sayClose(asAmqpError(error));
      return;
    }
    this.#state = "tuning";
    this.#send(0, "connection.tune", LIMITS);
  }

  #tune(args: Args<"connection.tune-ok">): void {
    checkTuning(args);
    this.#tuning = args;
    this.#reader.frameMax = args.frameMax;
    this.#outbox.frameMax = args.frameMax;
    this.#state = "opening";
    this.#stopHeartbeat = startHeartbeat(args.heartbeat, {
      // Of a client that is not listened to since it does not read, only that it does is seen.
      sign: () => (this.#outbox.isCongested ? this.#outbox.flushedBytes : this.#socket.bytesRead),
      isDeaf: () => this.#isBlocked,
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
    this.#vhost = virtualHost;
    this.#channels = new Channels(this.#ports(), this.#tuning.channelMax);
    this.#broker.clients.add(this);
    this.#state = "running";
    if (this.#patience) clearTimeout(this.#patience);
    this.#send(0, "connection.open-ok", { knownHosts: "" });
  }

  #ports(): ChannelPorts {
    return {
      broker: this.#broker,
      vhost: this.#broker.vhost(this.#vhost),
      user: this.user,
      owner: this,
      send: (channel, name, args) => this.#send(channel, name, args),
      sendContent: (channel, method, header, body) => {
        this.#outbox.content(channel, method, header, body);
        this.#flushLater();
      },
      canSend: () => this.#state === "running" && !this.#outbox.isCongested,
      tellsCancels: this.#facts.tellsCancels,
      flushLater: (channel) => {
        this.#toFlush.add(channel);
        this.#flushLater();
      },
    };
  }

  /** It has published, and there is no room for what it publishes next. */
  #block(): void {
    if (this.#state !== "running") return;
    this.#isBlocked = true;
    if (this.#facts.tellsBlocks) this.#send(0, "connection.blocked", { reason: "low on memory" });
  }

  /** By the broker: the client is told why, unless it has not come so far as to be trusted. */
  #fail(error: AmqpError): void {
    if (this.#state === "running" || this.#state === "opening") this.#sayClose(error);
    else if (this.#state !== "closing") this.#end();
  }

  #sayClose(error: AmqpError): void {
    this.#state = "closing";
    this.#endChannels();
    this.#isBlocked = false;
    this.#wait();
    this.#send(0, "connection.close", closeOf(error));
  }

  /** By the client. */
  #close(): void {
    this.#state = "closing";
    this.#endChannels();
    this.#send(0, "connection.close-ok", {});
    this.#endSoon();
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
    const { isCongested: wasCongested } = this.#outbox;
    this.#outbox.flush();
    // It may all be gone at once, and then no event says so.
    if (wasCongested && !this.#outbox.isCongested) setImmediate(() => this.#drained());
  }

  #drained(): void {
    if (this.#outbox.isCongested) return;
    this.#channels?.wake();
    this.#read();
  }

  #endChannels(): void {
    this.#channels?.end();
    this.#channels = null;
    const vhost = this.#broker.findVhost(this.#vhost);
    for (const queue of [...(vhost?.queues.values() ?? [])]) {
      if (queue.owner === this) vhost?.removeQueue(queue);
    }
  }

  /** A client has so long for what comes next. */
  #wait(): void {
    if (this.#patience) clearTimeout(this.#patience);
    this.#patience = setTimeout(() => this.#socket.destroy(), PATIENCE_MS);
  }

  /** Nothing is read any more. */
  #end(): void {
    this.#state = "ended";
    this.#flush();
    this.#socket.resume();
    this.#endSoon();
  }

  /** The last frame is sent: the client may still be writing. */
  #endSoon(): void {
    this.#wait();
    const socket = this.#socket;
    setTimeout(() => socket.end(() => socket.destroy()), LAST_WORDS_MS);
  }

  #gone(): void {
    this.#state = "ended";
    if (this.#patience) clearTimeout(this.#patience);
    this.#stopHeartbeat();
    this.#broker.clients.delete(this);
    this.#endChannels();
  }
}
