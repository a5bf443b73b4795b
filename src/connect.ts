/** Opens a connection to the first address of a broker that answers, or says why none does. */
import { type ChannelModel, connect, type Options } from "amqplib";
import {
  type BrokerConnection,
  discardConnection,
  noAnswer,
  wrapConnection,
} from "./broker-connection.ts";
import { WarrenError } from "./errors.ts";
import { NUMBERS } from "./numbers.ts";
import type { BrokerAddress } from "./topology.ts";

export type ConnectOptions = {
  readonly addresses: readonly BrokerAddress[];
  readonly heartbeatMs: number;
  /** Shown by the broker in its list of connections. */
  readonly name: string;
  /** Ends the attempt at once. */
  readonly signal?: AbortSignal;
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
      return wrapConnection(await connectTo(address, options), address);
    } catch (error) {
      failures.push(describe(error, address));
    }
  }
  const refused = failures.find((failure) => failure.code === "access-refused");
  if (refused) throw refused;
  throw new WarrenError("connection-failed", failures.map((one) => one.message).join("; "), {
    cause: new AggregateError(failures.map(({ cause }) => cause)),
  });
}

/** Nobody was there, or nobody said a word; as against an answer that was a refusal. */
export function isSilence(error: unknown): boolean {
  if (error instanceof WarrenError) return isSilence(error.cause);
  if (error instanceof AggregateError) return error.errors.every(isSilence);
  return error instanceof Error && SILENCES.has(codeOf(error));
}

/**
 * The way to the broker broke, or an operator closed the connection; as against one that was ended
 * for something that went over it, and may go over the next one too.
 */
export function isLoss(reason: Error): boolean {
  const { code, message } = reason as Error & { readonly code?: unknown };
  if (typeof code === "number") return code === CONNECTION_FORCED;
  // amqplib's words for an end of the socket without a word of the broker.
  return typeof code === "string" || message === "Unexpected close";
}

const CONNECTION_FORCED = 320;

const SILENCES = new Set([
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ETIMEDOUT",
  "ENOTFOUND",
  "EAI_AGAIN",
]);

async function connectTo(address: BrokerAddress, options: ConnectOptions): Promise<ChannelModel> {
  // The signal destroys the socket also while amqplib still waits for the handshake; its own
  // `timeout` starts anew with every byte that arrives.
  const limit = new AbortController();
  const timer = setTimeout(
    () => limit.abort(noAnswer(`no handshake within ${NUMBERS.connectTimeoutMs} ms`)),
    NUMBERS.connectTimeoutMs,
  );
  const giveUp = () => limit.abort(new Error("given up"));
  options.signal?.addEventListener("abort", giveUp);
  const aborted = new Promise<never>((_, reject) => {
    limit.signal.addEventListener("abort", () => reject(limit.signal.reason));
  });
  const attempt = connect(parseAddress(address, options.heartbeatMs), {
    noDelay: true,
    keepAlive: true,
    clientProperties: { connection_name: options.name },
    signal: limit.signal,
  } as object);
  try {
    if (options.signal?.aborted) giveUp();
    return await Promise.race([attempt, aborted]);
  } catch (error) {
    attempt.then(discardConnection, () => undefined);
    throw error;
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener("abort", giveUp);
  }
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

function describe(error: unknown, address: BrokerAddress): WarrenError {
  const text = error instanceof Error ? error.message || String(codeOf(error)) : String(error);
  if (/ACCESS.REFUSED/i.test(text)) {
    return new WarrenError("access-refused", `${address.shown} refuses the user or the password`, {
      cause: error,
    });
  }
  // amqplib does not pass on which; at this step the broker closes over these alone.
  if (/Expected ConnectionOpenOk/.test(text)) {
    const why = "refuses the vhost to this user, or a limit of connections is reached";
    return new WarrenError("access-refused", `${address.shown} ${why}`, { cause: error });
  }
  return new WarrenError("connection-failed", `no connection to ${address.shown}: ${text}`, {
    cause: error,
  });
}

/** An AggregateError of both address families has no message, but a code. */
function codeOf(error: Error): string {
  return "code" in error ? String(error.code) : error.name;
}
