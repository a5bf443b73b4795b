/**
 * An open AMQP connection whose every step has a deadline. amqplib alone waits for ever on a frozen
 * broker, only ever half-closes its sockets, and gives a channel's number away while its frames are
 * still being written. Here doubt ends in a destroyed socket.
 */
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Channel, ChannelModel, ConfirmChannel } from "amqplib";
import { NUMBERS } from "./numbers.ts";
import type { BrokerAddress } from "./topology.ts";

export type BrokerConnection = {
  /** `RabbitMQ`, as the broker says it. */
  readonly product: string;
  /** `3.10.8`, likewise. */
  readonly version: string;
  /** `rabbit@host`, the same for every node of a cluster; null: it doesn't say. */
  readonly clusterName: string | null;
  readonly address: BrokerAddress;
  /** Resolves once, when the connection is over, with the reason. */
  readonly ended: Promise<Error>;
  /** So many channels may be open on it at once. */
  readonly maxChannels: number;
  /** The broker reads nothing from it (memory or disk alarm), and so answers nothing. */
  readonly isBlocked: boolean;
  /** @throws {Error} when the channel is not open within the deadline of an RPC. */
  createChannel(): Promise<Channel>;
  createConfirmChannel(): Promise<ConfirmChannel>;
  /** `blocked`: the broker takes no publishes (memory or disk alarm) until `unblocked`. */
  on(event: "blocked" | "unblocked", listener: (reason: string) => void): void;
  /** Closes politely; after the deadline the socket is destroyed. Close the channels first. */
  close(): Promise<void>;
  /** Ends it at once; whatever is unacknowledged goes back to its queue. */
  destroy(reason: string): void;
};

/** The parts of amqplib's model that its types hide. */
type Internals = {
  readonly stream: Socket;
  /** As negotiated, in seconds; 0: none. */
  readonly heartbeat: number;
  readonly blocked: boolean;
  /** As negotiated: the highest number of a channel. */
  readonly channelMax: number;
  readonly channels: readonly ({ readonly buffer: NodeJS.ReadableStream } | null)[];
};

/** Takes over a connection that amqplib has opened. */
export function wrapConnection(model: ChannelModel, address: BrokerAddress): BrokerConnection {
  const internals = internalsOf(model);
  writeTogether(internals.stream);
  const { ended, destroy } = watchEnd(model);
  watchLife(internals, ended, destroy);
  const openChannel = channelOpener(internals, ended, destroy);
  const { product, version, cluster_name: clusterName } = model.connection.serverProperties;
  return {
    product: String(product ?? "unknown"),
    version: String(version ?? "unknown"),
    clusterName: clusterName === undefined ? null : String(clusterName),
    address,
    ended,
    maxChannels: internals.channelMax,
    get isBlocked() {
      return internals.blocked;
    },
    createChannel: () => openChannel(() => model.createChannel()),
    createConfirmChannel: () => openChannel(() => model.createConfirmChannel()),
    on: (event, listener) => void model.on(event, listener),
    close: async () => {
      const closing = model.close().catch(() => undefined);
      const limit = new AbortController();
      await Promise.race([
        closing,
        ended,
        sleep(NUMBERS.rpcTimeoutMs, undefined, { signal: limit.signal }).catch(() => undefined),
      ]);
      limit.abort();
      destroy("closed");
    },
    destroy,
  };
}

/** Ends a connection that came too late for whoever asked for it. */
export function discardConnection(model: ChannelModel): void {
  model.on("error", () => undefined);
  internalsOf(model).stream.destroy();
}

/**
 * Waits for an RPC of amqplib, which has no deadline of its own; past it `giveUp` is called, since
 * nothing is known of the connection any more.
 *
 * @throws {Error} what the RPC threw; with the code `ETIMEDOUT`, that it took too long.
 */
export async function withDeadline<T>(
  rpc: Promise<T>,
  what: string,
  giveUp: (reason: string) => void,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const reason = `no answer to "${what}" within ${NUMBERS.rpcTimeoutMs} ms`;
      reject(noAnswer(reason));
      giveUp(reason);
    }, NUMBERS.rpcTimeoutMs);
  });
  try {
    return await Promise.race([rpc, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** An error that says that somebody was silent, by the code that Node has for it. */
export function noAnswer(message: string): Error {
  return Object.assign(new Error(message), { code: "ETIMEDOUT" });
}

/**
 * Closes a channel so that every ack and publish before it has left; never waits for ever.
 *
 * @returns whether the broker has confirmed it. A broker that has said that it reads nothing is not
 *   asked: the end of the connection has the same effect.
 */
export async function closeChannel(
  channel: Channel,
  connection: BrokerConnection,
): Promise<boolean> {
  if (connection.isBlocked) return false;
  const closing = channel.close().then(() => true);
  const ended = connection.ended.then(() => false);
  const close = Promise.race([closing, ended]);
  // It may have been closed already: the same result, but nobody knows of what was before.
  return await withDeadline(close, "close a channel", connection.destroy).catch(() => false);
}

function internalsOf(model: ChannelModel): Internals {
  return model.connection as unknown as Internals;
}

/**
 * What is written in one turn leaves with one system call: amqplib makes one for each message and
 * each channel's acks, and they cost more than the rest of a publish.
 */
function writeTogether(stream: Socket): void {
  const write = stream.write.bind(stream) as Socket["write"];
  let isCorked = false;
  const uncork = () => {
    isCorked = false;
    stream.uncork();
  };
  stream.write = ((...chunk: Parameters<Socket["write"]>) => {
    if (!isCorked) {
      isCorked = true;
      stream.cork();
      process.nextTick(uncork);
    }
    return write(...chunk);
  }) as Socket["write"];
}

type End = Pick<BrokerConnection, "ended" | "destroy">;

function watchEnd(model: ChannelModel): End {
  const { stream } = internalsOf(model);
  let isOver = false;
  let end: (reason: Error) => void = () => undefined;
  const ended = new Promise<Error>((resolve) => {
    end = resolve;
  });
  const finish = (reason: Error) => {
    if (isOver) return;
    isOver = true;
    end(reason);
    // amqplib only half-closes; a peer that never answers would keep the socket for ever.
    setTimeout(() => stream.destroy(), 1_000).unref();
  };
  // A forced close emits `close` alone; a reset `error`, then `close`.
  let lastError: Error | undefined;
  model.on("error", (error: Error) => {
    lastError = error;
  });
  model.on("close", (error?: Error) => finish(error ?? lastError ?? new Error("closed")));
  const destroy = (reason: string) => {
    const error = noAnswer(reason);
    stream.destroy(error);
    finish(error);
  };
  return { ended, destroy };
}

/** Looks so many times in a heartbeat's interval. */
const LOOKS = 20;

/**
 * Ends a connection from which nothing has come for two intervals of its heartbeat; amqplib sees it
 * up to an interval later. Looks are counted, not time: a loop that was blocked has not looked.
 */
function watchLife(internals: Internals, ended: Promise<Error>, destroy: End["destroy"]): void {
  if (internals.heartbeat === 0) return;
  let bytesRead = internals.stream.bytesRead;
  let silentLooks = 0;
  const timer = setInterval(
    () => {
      silentLooks = internals.stream.bytesRead === bytesRead ? silentLooks + 1 : 0;
      bytesRead = internals.stream.bytesRead;
      if (silentLooks < 2 * LOOKS) return;
      destroy(`no sign of life for ${2 * internals.heartbeat} s, two heartbeats`);
    },
    (internals.heartbeat * 1_000) / LOOKS,
  );
  void ended.then(() => clearInterval(timer));
}

/**
 * Opens channels, and none while one that the broker closed still has frames to write: amqplib
 * would give its number to the next one at once, and the broker then ends the whole connection over
 * frames that it takes for that one's (505).
 */
function channelOpener(internals: Internals, ended: Promise<Error>, destroy: End["destroy"]) {
  const leaving = new Set<Promise<unknown>>();
  const listen = (channel: Channel) => {
    const { buffer } = internals.channels[numberOf(channel)] ?? {};
    // Without a listener an error of the channel would end the process. It comes before the number
    // is given away, and not at all when it was we who closed: then everything was written before.
    channel.on("error", () => {
      if (!buffer) return;
      const left = Promise.race([new Promise((resolve) => buffer.once("end", resolve)), ended]);
      leaving.add(left);
      void left.then(() => leaving.delete(left));
    });
  };
  return async <C extends Channel>(open: () => Promise<C>): Promise<C> => {
    const opening = untilNone(leaving).then(open);
    const channel = await unlessBlocked(opening, "open a channel", internals, destroy);
    listen(channel);
    return channel;
  };
}

async function untilNone(leaving: ReadonlySet<Promise<unknown>>): Promise<void> {
  while (leaving.size > 0) await Promise.all(leaving);
}

/** A deadline that starts anew while the broker, as it has said, reads nothing. */
async function unlessBlocked<T>(
  rpc: Promise<T>,
  what: string,
  internals: Internals,
  destroy: End["destroy"],
): Promise<T> {
  for (;;) {
    let isPatient = false;
    try {
      return await withDeadline(rpc, what, (reason) => {
        isPatient = internals.blocked;
        if (!isPatient) destroy(reason);
      });
    } catch (error) {
      if (!isPatient) throw error;
    }
  }
}

function numberOf(channel: Channel): number {
  return (channel as unknown as { readonly ch: number }).ch;
}
