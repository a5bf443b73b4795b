import amqplib, { type ConfirmChannel, type ConsumeMessage, type Options } from "amqplib";

/** What a message is compared by: its body as text, its key and exchange, and its properties. */
export type SeenMessage = {
  readonly body: string;
  readonly exchange: string;
  readonly routingKey: string;
  readonly redelivered: boolean;
  readonly properties: ConsumeMessage["properties"];
  readonly headers: Readonly<Record<string, unknown>>;
};

/** A plain amqplib client that knows nothing of warren: the foreign publisher and consumer. */
export type Client = {
  /** For declarations and for what has no method here; a refusal closes it. */
  readonly channel: ConfirmChannel;
  /**
   * Publishes one persistent, mandatory message and waits for the confirm.
   *
   * @param body a Buffer or string as it is, anything else as JSON.
   * @returns whether it reached a queue. @throws {Error} if the broker nacks it.
   */
  publish(
    exchange: string,
    routingKey: string,
    body: unknown,
    options?: Options.Publish,
  ): Promise<{ routed: boolean }>;
  /** Consumes and acks; `messages` grows as they arrive. */
  consume(queue: string): Promise<{ messages: readonly SeenMessage[] }>;
  /** Takes the first message away, or undefined. */
  get(queue: string): Promise<SeenMessage | undefined>;
  /** Up to `count` messages from the head, which stay in the queue (marked as redelivered). */
  peek(queue: string, count?: number): Promise<readonly SeenMessage[]>;
  /** Ready messages and consumers, as they are now; undefined if there is no such queue. */
  queueCounts(queue: string): Promise<QueueCounts | undefined>;
  /** Whether its connection still stands. */
  readonly isOpen: boolean;
  close(): Promise<void>;
};

export type QueueCounts = { readonly ready: number; readonly consumers: number };

/** Connects; `name` is what the management API shows. */
export async function openClient(url: string, name = "test client"): Promise<Client> {
  const model = await amqplib.connect(url, {
    noDelay: true,
    timeout: 30_000,
    clientProperties: { connection_name: name },
  });
  let isOpen = true;
  // Without a listener a lost connection would end the test's process.
  model.on("error", () => undefined);
  model.on("close", () => {
    isOpen = false;
  });
  const openChannel = async () => {
    const channel = await model.createConfirmChannel();
    channel.on("error", () => undefined);
    return channel;
  };
  // A channel of its own, since a refusal closes the channel, and closing gives messages back.
  const onOwnChannel = async <T>(use: (channel: ConfirmChannel) => Promise<T>): Promise<T> => {
    const own = await openChannel();
    try {
      return await use(own);
    } finally {
      await own.close().catch(() => undefined);
    }
  };
  const channel = await openChannel();
  return {
    channel,
    publish: publisherOn(channel),
    consume: (queue) => collect(channel, queue),
    get: (queue) => onOwnChannel(async (own) => seenOrNot(await own.get(queue, { noAck: true }))),
    peek: (queue, count = 100) => onOwnChannel((own) => look(own, queue, count)),
    queueCounts: (queue) => onOwnChannel((own) => count(own, queue)),
    get isOpen() {
      return isOpen;
    },
    async close() {
      if (!isOpen) return;
      await channel.close().catch(() => undefined);
      await model.close().catch(() => undefined);
    },
  };
}

// One message at a time: the return of an unroutable message comes before its confirm, so a return
// seen in between belongs to it. (A private header would tell them apart too, but tests compare
// headers.)
function publisherOn(channel: ConfirmChannel): Client["publish"] {
  let returns = 0;
  channel.on("return", () => {
    returns++;
  });
  const publish: Client["publish"] = (exchange, routingKey, body, options = {}) => {
    const content = typeof body === "string" || Buffer.isBuffer(body) ? body : JSON.stringify(body);
    const before = returns;
    return new Promise((resolve, reject) => {
      const settle = (error: unknown) =>
        error ? reject(error) : resolve({ routed: returns === before });
      const all = { persistent: true, mandatory: true, ...options };
      channel.publish(exchange, routingKey, Buffer.from(content), all, settle);
    });
  };
  let last: Promise<unknown> = Promise.resolve();
  return (...message) => {
    const next = last.then(() => publish(...message));
    last = next.catch(() => undefined);
    return next;
  };
}

async function collect(channel: ConfirmChannel, queue: string) {
  const messages: SeenMessage[] = [];
  await channel.consume(queue, (message) => {
    if (message === null) return;
    messages.push(seen(message));
    channel.ack(message);
  });
  return { messages };
}

async function look(channel: ConfirmChannel, queue: string, count: number) {
  const messages: SeenMessage[] = [];
  while (messages.length < count) {
    const message = seenOrNot(await channel.get(queue, { noAck: false }));
    if (message === undefined) break;
    messages.push(message);
  }
  return messages;
}

async function count(channel: ConfirmChannel, queue: string): Promise<QueueCounts | undefined> {
  try {
    const { messageCount, consumerCount } = await channel.checkQueue(queue);
    return { ready: messageCount, consumers: consumerCount };
  } catch (error) {
    if (String(error).includes("404")) return undefined;
    throw error;
  }
}

function seenOrNot(message: Parameters<typeof seen>[0] | false): SeenMessage | undefined {
  return message === false ? undefined : seen(message);
}

function seen({
  content,
  fields,
  properties,
}: Pick<ConsumeMessage, "content" | "properties"> & {
  readonly fields: Pick<ConsumeMessage["fields"], "exchange" | "routingKey" | "redelivered">;
}): SeenMessage {
  return {
    body: content.toString("utf8"),
    exchange: fields.exchange,
    routingKey: fields.routingKey,
    redelivered: fields.redelivered,
    properties,
    headers: properties.headers ?? {},
  };
}
