/** A client that does one random thing after the other. */
import { setTimeout as delay } from "node:timers/promises";
import amqplib, {
  type ChannelModel,
  type ConfirmChannel,
  type ConsumeMessage,
  IllegalOperationError,
} from "amqplib";
import type { Random } from "../../support/random.ts";
import { OPERATIONS } from "./operations.ts";
import type { Seen } from "./seen.ts";

/** An answer that takes longer does not come. */
const PATIENCE_MS = 60_000;

export class Actor {
  readonly random: Random;
  readonly seen: Seen;
  /** Of its consumers. */
  readonly tags = new Set<string>();
  readonly #url: string;
  #operation = "";
  #model: ChannelModel | null = null;
  #channel: ConfirmChannel | null = null;

  constructor(url: string, random: Random, seen: Seen) {
    this.#url = url;
    this.random = random;
    this.seen = seen;
  }

  /** One operation, which is over when it is answered. */
  async act(): Promise<void> {
    const [name, operate] = this.random.pick(OPERATIONS);
    this.#operation = name;
    try {
      const channel = this.#channel ?? (await this.open());
      await inTime(name, operate(this, channel));
      this.seen.count(name);
    } catch (error) {
      if (!isEnding(error)) this.seen.problem(`${name}: ${error}`);
    }
  }

  /** A channel of its own, and a connection where there is none. */
  async open(): Promise<ConfirmChannel> {
    const model = this.#model ?? (await this.#connect());
    const channel = await model.createConfirmChannel();
    channel.on("error", (error) => this.seen.failed("channel", this.#operation, error));
    channel.on("close", () => {
      if (this.#channel === channel) this.#channel = null;
    });
    this.tags.clear();
    this.#channel = channel;
    return channel;
  }

  /** Settles it in one way or another. */
  settle(channel: ConfirmChannel, message: ConsumeMessage): void {
    try {
      const [way, multiple] = [this.random.below(6), this.random.below(4) === 0];
      if (way < 3) channel.ack(message, multiple);
      else if (way === 3) channel.nack(message, multiple, true);
      else channel.nack(message, false, false);
    } catch (error) {
      if (!isEnding(error)) throw error;
    }
  }

  /** With a word, or without one. */
  async disconnect(isPolite: boolean): Promise<void> {
    const model = this.#model;
    this.#model = null;
    this.#channel = null;
    if (!model) return;
    if (isPolite) await model.close();
    else streamOf(model).destroy();
  }

  async #connect(): Promise<ChannelModel> {
    const model = await amqplib.connect(this.#url, { noDelay: true, timeout: PATIENCE_MS });
    const forget = () => {
      if (this.#model !== model) return;
      this.#model = null;
      this.#channel = null;
    };
    model.on("error", (error) => {
      // One that was cut by itself has nothing to say.
      if (this.#model === model) this.seen.failed("connection", this.#operation, error);
    });
    model.on("close", forget);
    this.#model = model;
    return model;
  }
}

function streamOf(model: ChannelModel) {
  return (model.connection as unknown as { readonly stream: { destroy(): void } }).stream;
}

async function inTime(name: string, operation: Promise<unknown>): Promise<void> {
  const patience = new AbortController();
  const late = delay(PATIENCE_MS, undefined, { signal: patience.signal }).then(
    () => {
      throw new Error(`no answer to ${name} in ${PATIENCE_MS} ms`);
    },
    () => undefined,
  );
  try {
    await Promise.race([operation, late]);
  } finally {
    patience.abort();
  }
}

/** The channel or the connection is over, of which an event has told. */
function isEnding(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof IllegalOperationError || "code" in error) return true;
  return /^(Channel|Connection) (ended|closed|closing)|^message nacked|channel closed/i.test(
    error.message,
  );
}
