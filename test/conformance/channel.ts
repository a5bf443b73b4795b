/** A channel that keeps what happens on it. */
import {
  type ConfirmChannel,
  type ConsumeMessage,
  type GetMessage,
  IllegalOperationError,
  type Options,
} from "amqplib";
import { waitFor } from "../support/wait-for.ts";
import { type Answer, closing, type Message } from "./observe.ts";

/** Short of a case's own time, so that what was waited for is told. */
export const WAIT_MS = 30_000;

export type Recorded = {
  /** amqplib's own. */
  readonly raw: ConfirmChannel;
  /** How the channel ended, once it has. */
  readonly ended: Promise<string>;
  /** What the broker answers to this request: see `Answer`. */
  answer(request: () => Promise<unknown>): Promise<Answer>;
  /** "ok" once the broker has handled everything sent before, or how the channel ended. */
  heard(): Promise<Answer>;
  /** What becomes of one message: `ack`, `nack`, `returned 312 NO_ROUTE, ack` or an ending. */
  publish(
    exchange: string,
    routingKey: string,
    body?: string | Buffer,
    options?: Options.Publish,
  ): Promise<string>;
  /** Publishes to a queue by name, in order, and waits for the confirms: `ack, ack, nack`. */
  fill(queue: string, bodies: readonly string[], options?: Options.Publish): Promise<string>;
  /** What came back as unroutable. */
  readonly returned: readonly Message[];
  consume(queue: string, options?: Options.Consume): Promise<Consumer>;
  /** The next message, which has to be there and waits for its ack. */
  take(queue: string): Promise<GetMessage>;
  /** Takes the next message and nacks it for good, so that it becomes a dead letter. */
  kill(queue: string): Promise<void>;
  close(): Promise<void>;
};

export type Consumer = {
  readonly tag: string;
  /** In the order of their arrival; they wait for an ack unless `noAck` was asked for. */
  readonly messages: readonly ConsumeMessage[];
  /** Waits until `count` have come in all, and returns all that have. */
  until(count: number): Promise<readonly ConsumeMessage[]>;
  /** The nth that came, from 1; waits for it. */
  nth(n: number): Promise<ConsumeMessage>;
  /** Resolves when the broker cancels the consumer. */
  readonly cancelled: Promise<"cancelled">;
};

/** @param onEvent called for everything that comes in without having been asked for. */
export function record(
  raw: ConfirmChannel,
  connectionEnded: Promise<string>,
  onEvent: () => void,
): Recorded {
  const returned: Message[] = [];
  const channelEnded = new Promise<string>((resolve) => {
    raw.on("error", (reason: Error) => resolve(closing("channel", reason)));
    // Later than the end of the connection, which is why the channel closes then.
    raw.on("close", () => setImmediate(resolve, closing("channel", undefined)));
  });
  const ended = Promise.race([channelEnded, connectionEnded]);
  raw.on("return", (message) => returned.push(message));
  for (const event of ["return", "ack", "nack", "delivery", "cancel"]) raw.on(event, onEvent);
  const answer: Recorded["answer"] = async (request) => {
    try {
      return shown(await request());
    } catch (error) {
      return isEnding(error) ? await ended : `client: ${error}`;
    }
  };
  const publish: Recorded["publish"] = async (exchange, key, body = "", options = {}) => {
    const before = returned.length;
    const outcome = await new Promise<string>((resolve) => {
      const settle = (error: Error | null) => {
        if (error === null) resolve("ack");
        else if (error.message === "message nacked") resolve("nack");
        else void ended.then(resolve);
      };
      raw.publish(exchange, key, Buffer.from(body), options, settle);
    });
    const back = returned
      .slice(before)
      .map(({ fields }) => fields as unknown as { replyCode: number; replyText: string })
      .map(({ replyCode, replyText }) => `returned ${replyCode} ${replyText}`);
    return [...back, outcome].join(", ");
  };
  const take = async (queue: string) => {
    const message = await raw.get(queue);
    if (message === false) throw new Error(`queue ${queue} is empty`);
    return message;
  };
  return {
    raw,
    ended,
    answer,
    heard: () => answer(() => raw.checkExchange("amq.direct")),
    publish,
    async fill(queue, bodies, options) {
      const all = bodies.map((body) => publish("", queue, body, options));
      return (await Promise.all(all)).join(", ");
    },
    returned,
    consume: (queue, options) => consume(raw, queue, options),
    take,
    kill: async (queue) => raw.nack(await take(queue), false, false),
    close: () => raw.close().catch(() => undefined),
  };
}

async function consume(
  raw: ConfirmChannel,
  queue: string,
  options?: Options.Consume,
): Promise<Consumer> {
  const messages: ConsumeMessage[] = [];
  let cancel: (word: "cancelled") => void = () => undefined;
  const cancelled = new Promise<"cancelled">((resolve) => {
    cancel = resolve;
  });
  const receive = (message: ConsumeMessage | null) => {
    if (message === null) cancel("cancelled");
    else messages.push(message);
  };
  const { consumerTag: tag } = await raw.consume(queue, receive, options);
  const until = async (count: number) => {
    const what = `${count} messages of ${queue}`;
    await waitFor((seen) => seen(messages.length) >= count, {
      timeoutMs: WAIT_MS,
      everyMs: 5,
      what,
    });
    return messages;
  };
  const nth = (n: number) =>
    waitFor(() => messages[n - 1], { timeoutMs: WAIT_MS, everyMs: 5, what: `message ${n}` });
  return { tag, messages, cancelled, until, nth };
}

function shown(reply: unknown): Answer {
  if (reply === undefined) return "ok";
  const isTable = typeof reply === "object" && reply !== null && !Array.isArray(reply);
  return isTable && Object.keys(reply).length === 0 ? "ok" : reply;
}

function isEnding(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof IllegalOperationError || "code" in error) return true;
  return error.message === "Channel ended, no reply will be forthcoming";
}

/** What amqplib looks at when it acks, nacks or rejects: for tags that no message has. */
export function tagged(deliveryTag: number): ConsumeMessage {
  const fields = { deliveryTag, redelivered: false, exchange: "", routingKey: "", consumerTag: "" };
  return { fields, content: Buffer.alloc(0), properties: {} as ConsumeMessage["properties"] };
}
