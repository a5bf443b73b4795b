/**
 * One AMQP connection whose every step has a deadline. amqplib alone waits for ever on a frozen
 * broker, and only ever half-closes its sockets; here doubt ends in a destroyed socket.
 */
import { setTimeout as sleep } from "node:timers/promises";
import {
  type Channel,
  type ChannelModel,
  type ConfirmChannel,
  connect,
  type Options,
} from "amqplib";
import { WarrenError } from "./errors.ts";
import { NUMBERS } from "./numbers.ts";
import type { BrokerAddress } from "./topology.ts";

export type BrokerConnection = {
  /** `3.10.8`, as the broker says it. */
  readonly version: string;
  readonly address: BrokerAddress;
  /** Resolves once, when the connection is over, with the reason. */
  readonly ended: Promise<Error>;
  /** @throws {Error} when the channel is not open within the deadline of an RPC. */
  createChannel(): Promise<Channel>;
  createConfirmChannel(): Promise<ConfirmChannel>;
  /** `blocked`: the broker takes no publishes (memory or disk alarm) until `unblocked`. */
  on(event: "blocked" | "unblocked", listener: () => void): void;
  /** Closes politely; after the deadline the socket is destroyed. Close the channels first. */
  close(): Promise<void>;
  /** Ends it at once; whatever is unacknowledged goes back to its queue. */
  destroy(reason: string): void;
};

export type ConnectOptions = {
  readonly addresses: readonly BrokerAddress[];
  readonly heartbeatMs: number;
  /** Shown by the broker in its list of connections. */
  readonly name: string;
};

/**
 * Connects to the first address that answers.
 *
 * @throws {WarrenError} `access-refused` (user, password, vhost), `connection-failed`.
 */
export async function connectBroker(options: ConnectOptions): Promise<BrokerConnection> {
  const failures: WarrenError[] = [];
  for (const address of options.addresses) {
    try {
      return await connectTo(address, options);
    } catch (error) {
      failures.push(describe(error, address));
    }
  }
  const refused = failures.find((failure) => failure.code === "access-refused");
  if (refused) throw refused;
  throw new WarrenError("connection-failed", failures.map((one) => one.message).join("; "), {
    cause: failures[0]?.cause,
  });
}

/** The parts of amqplib's model that its types hide. */
type Internals = { readonly connection: { readonly stream: { destroy(error?: Error): void } } };

async function connectTo(
  address: BrokerAddress,
  options: ConnectOptions,
): Promise<BrokerConnection> {
  // The signal destroys the socket also while amqplib still waits for the handshake; its own
  // `timeout` starts anew with every byte that arrives.
  const deadline = new AbortController();
  const timer = setTimeout(
    () => deadline.abort(new Error(`no handshake within ${NUMBERS.connectTimeoutMs} ms`)),
    NUMBERS.connectTimeoutMs,
  );
  const attempt = connect(parseAddress(address, options.heartbeatMs), {
    noDelay: true,
    keepAlive: true,
    timeout: NUMBERS.connectTimeoutMs,
    clientProperties: { connection_name: options.name },
    signal: deadline.signal,
  } as object);
  try {
    return wrap(await Promise.race([attempt, aborted(deadline.signal)]), address);
  } catch (error) {
    attempt.then(
      (model) => (model as unknown as Internals).connection.stream.destroy(),
      () => undefined,
    );
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

function parseAddress(address: BrokerAddress, heartbeatMs: number): Options.Connect {
  const url = new URL(address.url);
  const vhost = decodeURIComponent(url.pathname.slice(1));
  return {
    protocol: url.protocol.replace(/:$/, ""),
    hostname: url.hostname.replace(/^\[|\]$/g, ""),
    ...(url.port === "" ? {} : { port: Number(url.port) }),
    username: url.username === "" ? "guest" : decodeURIComponent(url.username),
    password: url.username === "" ? "guest" : decodeURIComponent(url.password),
    // amqplib unescapes it once more.
    vhost: encodeURIComponent(vhost === "" ? "/" : vhost),
    heartbeat: Math.max(1, Math.round(heartbeatMs / 1000)),
  };
}

function wrap(model: ChannelModel, address: BrokerAddress): BrokerConnection {
  const internals = model as unknown as Internals;
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
    setTimeout(() => internals.connection.stream.destroy(), 1_000).unref();
  };
  // A forced close emits `close` alone; a reset `error`, then `close`.
  let lastError: Error | undefined;
  model.on("error", (error: Error) => {
    lastError = error;
  });
  model.on("close", (error?: Error) => finish(error ?? lastError ?? new Error("closed")));
  const destroy = (reason: string) => {
    const error = new Error(reason);
    internals.connection.stream.destroy(error);
    finish(error);
  };
  const openChannel = async <C extends Channel>(open: () => Promise<C>): Promise<C> => {
    const channel = await withDeadline(open(), "open a channel", destroy);
    // Without a listener an error of the channel would end the process.
    channel.on("error", () => undefined);
    return channel;
  };
  return {
    version: String(model.connection.serverProperties.version ?? "unknown"),
    address,
    ended,
    createChannel: () => openChannel(() => model.createChannel()),
    createConfirmChannel: () => openChannel(() => model.createConfirmChannel()),
    on: (event, listener) => void model.on(event, listener),
    close: async () => {
      if (isOver) return;
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

/**
 * Waits for an RPC of amqplib, which has no deadline of its own; past it `giveUp` is called, since
 * nothing is known of the connection any more.
 *
 * @throws {Error} what the RPC threw, or that it took too long.
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
      reject(new Error(reason));
      giveUp(reason);
    }, NUMBERS.rpcTimeoutMs);
  });
  try {
    return await Promise.race([rpc, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Closes a channel so that every ack and publish before it has left; never waits for ever. */
export async function closeChannel(channel: Channel, connection: BrokerConnection): Promise<void> {
  try {
    await withDeadline(
      Promise.race([channel.close(), connection.ended]),
      "close a channel",
      connection.destroy,
    );
  } catch {
    // It was closed already, or its connection is gone: the same result.
  }
}

function describe(error: unknown, address: BrokerAddress): WarrenError {
  const text = error instanceof Error ? error.message || String(codeOf(error)) : String(error);
  if (/ACCESS.REFUSED|\b403\b/i.test(text)) {
    return new WarrenError("access-refused", `${address.shown} refuses the user or the password`, {
      cause: error,
    });
  }
  // amqplib does not pass on why; at this step the broker closes over the vhost alone.
  if (/Expected ConnectionOpenOk/.test(text)) {
    return new WarrenError("access-refused", `${address.shown} refuses the vhost to this user`, {
      cause: error,
    });
  }
  return new WarrenError("connection-failed", `${address.shown} does not answer: ${text}`, {
    cause: error,
  });
}

/** An AggregateError of both address families has no message, but a code. */
function codeOf(error: Error): string {
  return "code" in error ? String(error.code) : error.name;
}
