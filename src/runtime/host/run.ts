/** One run of one handler: its time, what it publishes, and the outcome. */
import { createHash } from "node:crypto";
import { WarrenError } from "../../errors.ts";
import type { HandlerContext, HandlerModule, Log, Publish, PublishOptions } from "../../handler.ts";
import { NUMBERS } from "../../numbers.ts";
import type { Queue, Topology } from "../../topology.ts";
import type { Published, PublishRequest } from "../publish.ts";
import type { Cause, Delivery, Outcome } from "./host.ts";

export type RunOptions = {
  readonly topology: Topology;
  /** `delivery`: the id of the one that is handled. */
  readonly publish: (request: PublishRequest, delivery: number) => Promise<Published>;
  readonly log: Log;
};

/** Where a queue's messages are handled. */
export type Workplace = {
  readonly queue: Queue;
  readonly module: HandlerModule;
  /** null: any JSON. */
  readonly events: readonly string[] | null;
};

/** What went wrong with a handler's publish: the handler's mistake, or the broker's trouble. */
const TROUBLE = new Set([
  "unroutable",
  "nacked",
  "access-refused",
  "blocked",
  "disconnected",
  "overloaded",
  "stopping",
  "outcome-unknown",
]);

/** One run of one handler. */
export class Run {
  readonly #delivery: Delivery;
  readonly #workplace: Workplace;
  readonly #options: RunOptions;
  readonly #abort = new AbortController();
  readonly #publishes: Promise<Published>[] = [];
  #isOver = false;

  constructor(delivery: Delivery, workplace: Workplace, options: RunOptions) {
    this.#delivery = delivery;
    this.#workplace = workplace;
    this.#options = options;
  }

  async outcome(event: unknown): Promise<Outcome> {
    const failure = await this.#run(event);
    this.#isOver = true;
    const trouble = await this.#publishTrouble();
    // Only a decision of the handler about its message is stronger than the broker's trouble.
    if (failure?.status === "dead") return failure;
    return trouble ?? failure ?? { status: "handled" };
  }

  /** null: the handler returned. */
  async #run(event: unknown): Promise<Outcome | null> {
    const { timeoutMs } = this.#workplace.queue;
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<Outcome>((resolve) => {
      timer = setTimeout(() => {
        this.#abort.abort();
        const error = `the handler ran longer than ${timeoutMs} ms`;
        resolve({ status: "failed", cause: { reason: "handler-timeout", error } });
      }, timeoutMs);
    });
    try {
      const run = this.#workplace.module.run as (
        event: unknown,
        context: HandlerContext,
      ) => unknown;
      return await Promise.race([settled(run(event, this.#context())), timeout]);
    } catch (error) {
      return readFailure(error);
    } finally {
      clearTimeout(timer);
    }
  }

  #context(): HandlerContext {
    const { message, attempt, queue } = this.#delivery;
    const { log } = this.#options;
    const facts = { queue, messageId: message.id, attempt };
    const write =
      (level: keyof Log) =>
      (fields: object, text: string): void =>
        log[level]({ ...facts, ...fields }, text);
    return {
      log: {
        debug: write("debug"),
        info: write("info"),
        warn: write("warn"),
        error: write("error"),
      },
      publish: this.#publish as Publish,
      signal: this.#abort.signal,
      attempt,
      message,
    };
  }

  readonly #publish = (
    exchange: string,
    key: string,
    event: unknown,
    options?: PublishOptions,
  ): Promise<void> => {
    const done = this.#tryPublish(exchange, key, event, options);
    // Nobody may be waiting for it; the outcome counts all the same, in `#publishTrouble`.
    done.catch(() => undefined);
    return done;
  };

  async #tryPublish(
    exchange: string,
    key: string,
    event: unknown,
    options: PublishOptions = {},
  ): Promise<void> {
    if (this.#isOver || this.#abort.signal.aborted) {
      throw new WarrenError("stopping", "the handler's run is over: it can't publish any more");
    }
    const publishing = this.#send(exchange, key, event, options);
    this.#publishes.push(publishing);
    const published = await publishing;
    if (!published.ok) throw new WarrenError(published.code, published.message);
  }

  async #send(
    exchange: string,
    key: string,
    event: unknown,
    { headers = {}, priority, correlationId }: PublishOptions,
  ): Promise<Published> {
    const messageId = this.#derivedId(exchange, key);
    const isClosed = this.#options.topology.exchanges[exchange]?.events != null;
    const body = toJson(isClosed ? { event_type: key, ...(event as object) } : event);
    if (body === null) {
      return { ok: false, code: "malformed", message: "the event is not JSON", messageId };
    }
    const request = {
      exchange,
      routingKey: key,
      body,
      contentType: "application/json",
      messageId,
      headers,
      ...(priority === undefined ? {} : { priority }),
      ...(correlationId === undefined ? {} : { correlationId }),
    };
    return await this.#options.publish(request, this.#delivery.id);
  }

  /** The same id when the message is handled again, so that consumers can tell a repetition. */
  #derivedId(exchange: string, key: string): string {
    const { message, queue } = this.#delivery;
    const parts = [message.id, queue, exchange, key, this.#publishes.length];
    const hash = createHash("sha256").update(JSON.stringify(parts)).digest("hex");
    const [a, b, c, d] = [
      hash.slice(0, 8),
      hash.slice(8, 12),
      hash.slice(13, 16),
      hash.slice(17, 20),
    ];
    // The form of a version 8 UUID (RFC 9562): made from a hash.
    return `${a}-${b}-8${c}-8${d}-${hash.slice(20, 32)}`;
  }

  async #publishTrouble(): Promise<Outcome | null> {
    const failed = (await Promise.all(this.#publishes)).filter((published) => !published.ok);
    const trouble = failed.find(({ code }) => TROUBLE.has(code));
    if (trouble) return { status: "held", reason: trouble.message };
    const [mistake] = failed;
    if (!mistake) return null;
    const error = oneLine(`${mistake.code}: ${mistake.message}`);
    return { status: "failed", cause: { reason: "handler-failed", error } };
  }
}

/** null: it can't be written as JSON (a cycle, a BigInt, a function). */
function toJson(value: unknown): Buffer | null {
  try {
    return Buffer.from(JSON.stringify(value));
  } catch {
    return null;
  }
}

async function settled(result: unknown): Promise<null> {
  await result;
  return null;
}

/** By name, so that a handler may use another copy of the package. */
function readFailure(error: unknown): Outcome {
  const { name, message, after } = describe(error);
  if (name === "Reject") {
    return { status: "dead", cause: { reason: "rejected", error: oneLine(message) } };
  }
  const cause: Cause = { reason: "handler-failed", error: oneLine(`${name}: ${message}`) };
  return name === "Retry" && after !== null
    ? { status: "retry", cause, afterMs: after }
    : { status: "failed", cause };
}

function describe(error: unknown): { name: string; message: string; after: number | null } {
  if (!(error instanceof Error)) return { name: "thrown", message: String(error), after: null };
  const after = "after" in error && typeof error.after === "number" ? error.after : null;
  return { name: error.name, message: error.message, after };
}

/** At most as long as a header may be, without control characters. */
export function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what has to go
  const line = text.replace(/[\u0000-\u001f\u007f]+/g, " ").toWellFormed();
  const bytes = Buffer.from(line);
  if (bytes.length <= NUMBERS.maxHeaderBytes) return line;
  return (
    new TextDecoder().decode(bytes.subarray(0, NUMBERS.maxHeaderBytes - 4)).replace(/\ufffd$/, "") +
    "…"
  );
}
