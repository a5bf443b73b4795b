/** An AMQP client that says what a broker did to it, as values that can be compared. */
import type { Duplex } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import amqplib, { type ChannelModel, type ConfirmChannel } from "amqplib";
import { waitFor } from "../support/wait-for.ts";
import { type Recorded, record, WAIT_MS } from "./channel.ts";
import { type Answer, closing, type Message } from "./observe.ts";

/** What is asked of a broker: with amqplib's channel, or with what is recorded of it. */
export type Request = (channel: ConfirmChannel, recorded: Recorded) => Promise<unknown>;

export type Client = {
  readonly model: ChannelModel;
  /** How the connection ended, once it has. */
  readonly ended: Promise<string>;
  readonly isOpen: boolean;
  /** A new confirm channel. */
  channel(): Promise<Recorded>;
  /** What the broker answers to one request on a channel of its own. */
  answer(request: Request): Promise<Answer>;
  /** Waits until the queue has this many ready messages, and consumers where they are given. */
  until(queue: string, ready: number, consumers?: number): Promise<void>;
  /** Waits until there is no such queue. */
  gone(queue: string): Promise<void>;
  /** Waits until an exchange is gone, for what must not be asked for without a change to it. */
  goneExchange(exchange: string): Promise<void>;
  /** Takes away what is ready, from the head to the end. */
  drain(queue: string): Promise<readonly Message[]>;
  /** Waits until nothing has come in for a while: for what a broker does not do. */
  quiet(): Promise<void>;
  /** Ends the socket without a word. */
  cut(): void;
  close(): Promise<void>;
};

// Longer than what a broker on loopback takes for a message through two queues.
const QUIET_MS = 200;

/** Connects; whoever does has to close it. */
export async function openClient(url: string): Promise<Client> {
  const model = await amqplib.connect(url, { noDelay: true, timeout: 10_000 });
  let isOpen = true;
  let events = 0;
  model.on("error", () => undefined);
  const ended = new Promise<string>((resolve) => {
    model.on("close", (reason?: Error) => {
      isOpen = false;
      resolve(closing("connection", reason));
    });
  });
  const channel = async () =>
    record(await model.createConfirmChannel(), ended, () => {
      events++;
    });
  const answer: Client["answer"] = async (request) => {
    const recorded = await channel();
    const given = await recorded.answer(() => request(recorded.raw, recorded));
    await recorded.close();
    return given;
  };
  const quiet = async () => {
    for (let last = -1; last !== events; ) {
      last = events;
      await answer((ch) => ch.checkExchange("amq.direct"));
      await delay(QUIET_MS);
    }
  };
  return {
    model,
    ended,
    get isOpen() {
      return isOpen;
    },
    channel,
    answer,
    until: (queue, ready, consumers) => until(answer, queue, ready, consumers),
    gone: (queue) => gone(() => answer((ch) => ch.checkQueue(queue)), `queue ${queue}`),
    goneExchange: (exchange) =>
      gone(() => answer((ch) => ch.checkExchange(exchange)), `exchange ${exchange}`),
    async drain(queue) {
      const drained = await answer((ch) => drain(ch, queue));
      if (Array.isArray(drained)) return drained;
      throw new Error(`queue ${queue} is not drained: ${drained}`);
    },
    quiet,
    cut: () => {
      // amqplib does not notice.
      isOpen = false;
      (model.connection as unknown as { readonly stream: Duplex }).stream.destroy();
    },
    close: async () => {
      if (isOpen) await model.close().catch(() => undefined);
    },
  };
}

async function until(
  answer: Client["answer"],
  queue: string,
  ready: number,
  consumers?: number,
): Promise<void> {
  const wanted = {
    messageCount: ready,
    ...(consumers !== undefined && { consumerCount: consumers }),
  };
  const what = `queue ${queue} to have ${JSON.stringify(wanted)}`;
  await waitFor(
    async (seen) => {
      const counts = seen(await answer((ch) => ch.checkQueue(queue))) as object;
      return Object.entries(wanted).every(([key, count]) => Reflect.get(counts, key) === count);
    },
    { timeoutMs: WAIT_MS, what },
  );
}

async function gone(check: () => Promise<Answer>, name: string): Promise<void> {
  await waitFor(async (seen) => String(seen(await check())).includes(" 404 "), {
    timeoutMs: WAIT_MS,
    everyMs: 5,
    what: `${name} to be gone`,
  });
}

async function drain(raw: Recorded["raw"], queue: string): Promise<Message[]> {
  const messages: Message[] = [];
  for (;;) {
    const message = await raw.get(queue, { noAck: true });
    if (message === false) return messages;
    messages.push(message);
  }
}
