/** What one run of a handler publishes, and whom it calls. */
import { createHash } from "node:crypto";
import { messageOf, WarrenError } from "../../../errors.ts";
import { type CallOptions, type PublishOptions, RpcError } from "../../../handler.ts";
import { NUMBERS } from "../../../numbers.ts";
import type { Topology } from "../../../topology.ts";
import { inheritedOf } from "../../publish/inherited.ts";
import type { Published, PublishRequest } from "../../publish/publish.ts";
import type { Called, CallRequest } from "../../rpc/call.ts";
import type { Delivery, Outcome } from "../host.ts";
import { oneLine } from "./cause.ts";

export type PublishingOptions = {
  readonly topology: Topology;
  readonly publish: (request: PublishRequest) => Promise<Published>;
  readonly call: (request: CallRequest) => Promise<Called>;
  /** Of the run's time, in milliseconds. */
  readonly leftMs: () => number;
};

/** What goes wrong with a publish for want of the broker; anything else is the handler's mistake. */
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

type ToExchange = Extract<PublishRequest, { readonly exchange: string }>;

/** As a handler gives it: in JavaScript it may be of any type. */
type Given = {
  readonly exchange: string;
  readonly key: string;
  readonly event: unknown;
  readonly options: PublishOptions;
};

export class Publishing {
  readonly #delivery: Delivery;
  readonly #options: PublishingOptions;
  readonly #publishes: Promise<Published>[] = [];
  readonly #calls: Promise<Called>[] = [];
  #underWay = 0;
  /** Since when there is one under way. */
  #since = 0;
  #waitedMs = 0;
  #isOver = false;

  constructor(delivery: Delivery, options: PublishingOptions) {
    this.#delivery = delivery;
    this.#options = options;
  }

  /** The context's `publish`. */
  readonly publish = (
    exchange: string,
    key: string,
    event: unknown,
    options: PublishOptions = {},
  ): Promise<void> => {
    const done = this.#tryPublish({ exchange, key, event, options });
    // Nobody may be waiting for it; the outcome counts all the same, in `trouble`.
    done.catch(() => undefined);
    return done;
  };

  /** The context's `call`. */
  readonly call = (
    exchange: string,
    key: string,
    event: unknown,
    options: CallOptions = {},
  ): Promise<unknown> => {
    const done = this.#tryCall({ exchange, key, event, options });
    done.catch(() => undefined);
    return done;
  };

  get isUsed(): boolean {
    return this.#publishes.length > 0 || this.#calls.length > 0;
  }

  /** How long the broker has had a publish of the run and not confirmed it, in milliseconds. */
  get waitedMs(): number {
    return this.#waitedMs + (this.#underWay > 0 ? performance.now() - this.#since : 0);
  }

  /** Nothing more is published. */
  end(): void {
    this.#isOver = true;
  }

  /** What the publishes of the run make of its outcome, once all of them are settled. */
  async trouble(): Promise<Outcome | null> {
    const called = await Promise.all(this.#calls);
    const failed = (await Promise.all(this.#publishes)).filter((published) => !published.ok);
    // What else becomes of a call is for the handler to judge.
    const failures = [...failed, ...called.filter((one) => !one.ok)];
    const trouble = failures.find(({ code }) => TROUBLE.has(code));
    if (trouble) return { status: "held", reason: trouble.message };
    const [mistake] = failed;
    if (!mistake) return null;
    const error = oneLine(`${mistake.code}: ${mistake.message}`);
    const names = [[WarrenError.name, mistake.code]];
    return { status: "failed", cause: { reason: "handler-failed", error, names } };
  }

  async #tryPublish(given: Given): Promise<void> {
    if (this.#isOver) {
      throw new WarrenError("stopping", "the handler's run is over: it can't publish any more");
    }
    const publishing = this.#send(given);
    this.#publishes.push(publishing);
    const published = await publishing;
    if (!published.ok) throw new WarrenError(published.code, published.message);
  }

  async #tryCall(given: Given): Promise<unknown> {
    if (this.#isOver) {
      throw new WarrenError("stopping", "the handler's run is over: it can't call any more");
    }
    const calling = this.#ask(given);
    this.#calls.push(calling);
    const called = await calling;
    if (called.ok) return JSON.parse(called.reply);
    const { code, message, reason = null } = called;
    if (code === "rpc-failed" || code === "no-reply") throw new RpcError(code, message, reason);
    throw new WarrenError(code, message);
  }

  /** Never rejects, as `send`. The handler waits in its own time: a reply is another handler's. */
  async #ask(given: Given): Promise<Called> {
    try {
      const { timeout = NUMBERS.callTimeoutMs } = given.options as CallOptions;
      const timeoutMs = Math.min(timeout, Math.max(1, Math.floor(this.#options.leftMs())));
      const { correlationId: _, ...request } = this.#compose(given);
      return await this.#options.call({ timeoutMs, ...request });
    } catch (error) {
      const message = `can't be sent: ${messageOf(error)}`;
      return { ok: false, code: "malformed", message, messageId: "" };
    }
  }

  /** Never rejects: what is given may be anything, with getters that throw. */
  async #send(given: Given): Promise<Published> {
    if (this.#underWay === 0) this.#since = performance.now();
    this.#underWay += 1;
    try {
      return await this.#options.publish(this.#compose(given));
    } catch (error) {
      const message = `can't be sent: ${messageOf(error)}`;
      return { ok: false, code: "malformed", message, messageId: "" };
    } finally {
      this.#waitedMs = this.waitedMs;
      this.#since = performance.now();
      this.#underWay -= 1;
    }
  }

  /** @throws {Error} whatever reading it throws. */
  #compose({ exchange, key, event, options }: Given): ToExchange {
    const { headers = {}, priority, correlationId } = options;
    const isClosed = this.#options.topology.exchanges[exchange]?.events != null;
    return {
      exchange,
      routingKey: key,
      body: toJson(isClosed ? { event_type: key, ...(event as object) } : event),
      contentType: "application/json",
      messageId: this.#derivedId(exchange, key),
      headers,
      inherited: inheritedOf(this.#delivery.message),
      ...(priority === undefined ? {} : { priority }),
      ...(correlationId === undefined ? {} : { correlationId }),
    };
  }

  /** The same id when the message is handled again, so that consumers can tell a repetition. */
  #derivedId(exchange: string, key: string): string {
    const { message, queue } = this.#delivery;
    const ordinal = this.#publishes.length + this.#calls.length;
    const parts = [message.id, queue, exchange, key, ordinal];
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
}

/** @throws {TypeError} if it can't be written as JSON (a cycle, a BigInt, a function). */
function toJson(value: unknown): Buffer {
  const text = JSON.stringify(value);
  if (text === undefined) throw new TypeError(`JSON has no ${typeof value}`);
  return Buffer.from(text);
}
