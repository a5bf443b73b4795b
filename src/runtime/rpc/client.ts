/**
 * Asks rpc queues, and waits for their replies, over direct reply-to: a channel that sends requests
 * consumes their replies as well, and its address ends with it.
 *
 * | what happens | the call |
 * |---|---|
 * | a reply with its correlation id comes | has it, at once |
 * | the channel is lost before the request is confirmed | goes on: the request is sent again |
 * | the channel is lost after that | `outcome-unknown`: nobody can answer it any more |
 * | its time is over | `no-reply`; what comes later is dropped, and counted |
 *
 * @see https://www.rabbitmq.com/docs/direct-reply-to
 */
import { randomUUID } from "node:crypto";
import type { ConfirmChannel, ConsumeMessage } from "amqplib";
import { NUMBERS } from "../../numbers.ts";
import { PassingMap } from "../../passing-map.ts";
import { HEADERS } from "../consume/incoming.ts";
import { DIRECT_REPLY } from "../publish/pending.ts";
import type {
  MessageProperties,
  Outgoing,
  Publisher,
  PublishOutcome,
  Replies,
  RequestLimits,
} from "../publish/publisher.ts";

/** `reason`: the handler has answered with an error, of which the body tells; else null. */
export type Reply = { readonly body: Buffer; readonly reason: string | null };

export type CallOutcome =
  | ({ readonly status: "replied" } & Reply)
  | {
      readonly status: "no-reply" | Exclude<PublishOutcome["status"], "confirmed">;
      readonly message: string;
    };

/** What is sent, but for what this adds. */
export type Request = Omit<Outgoing, "properties"> & {
  readonly properties: Omit<MessageProperties, "correlationId" | "replyTo" | "expiresAt">;
};

const nothing = () => undefined;

/** One that waits for its reply. */
class Call implements RequestLimits {
  readonly exchange: string;
  readonly withinMs: number;
  readonly outcome: Promise<CallOutcome>;
  /** Its request is on the broker. */
  isConfirmed = false;
  #isOver = false;
  #resolve: (outcome: CallOutcome) => void = nothing;
  #timer: NodeJS.Timeout | undefined;

  constructor(exchange: string, withinMs: number) {
    this.exchange = exchange;
    this.withinMs = withinMs;
    this.outcome = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Begins its time. */
  wait(): void {
    this.#timer = setTimeout(expire, this.withinMs, this);
  }

  /** Once; later calls do nothing. */
  end(outcome: CallOutcome): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#resolve(outcome);
  }
}

function expire(call: Call): void {
  call.end(noReply(call.withinMs));
}

export class RpcClient implements Replies {
  readonly #publish: Publisher["publish"];
  /** Correlation ids begin with it. */
  readonly #name = randomUUID();
  #lastId = 0;
  /** By correlation id. */
  readonly #calls = new PassingMap<string, Call>();
  #late = 0;

  constructor(publish: Publisher["publish"]) {
    this.#publish = publish;
  }

  /** Calls that wait. */
  get waiting(): number {
    return this.#calls.size;
  }

  /** Replies to calls that had ended, or never were. */
  get late(): number {
    return this.#late;
  }

  /** Never rejects. */
  async call(request: Request, timeoutMs: number): Promise<CallOutcome> {
    if (this.#calls.size >= NUMBERS.maxCalls) {
      return { status: "overloaded", message: "too many calls wait for their replies" };
    }
    const call = new Call(request.exchange, timeoutMs);
    const correlationId = `${this.#name}.${++this.#lastId}`;
    this.#calls.set(correlationId, call);
    const expiresAt = performance.now() + timeoutMs;
    const added = { correlationId, replyTo: DIRECT_REPLY, expiresAt };
    const properties = Object.assign({}, request.properties, added);
    void this.#send({ ...request, properties }, call);
    // After that of the publish: what has not been sent in time is said to be so.
    call.wait();
    const outcome = await call.outcome;
    this.#calls.delete(correlationId);
    return outcome;
  }

  async #send(request: Outgoing, call: Call): Promise<void> {
    const outcome = await this.#publish(request, { request: call });
    const { withinMs } = call;
    const isCallersTime = withinMs <= NUMBERS.publishDeadlineMs;
    if (outcome.status === "confirmed") call.isConfirmed = true;
    else if (outcome.status === "outcome-unknown" && isCallersTime) call.end(noReply(withinMs));
    else call.end(outcome);
  }

  async listen(channel: ConfirmChannel): Promise<void> {
    const accept = (reply: ConsumeMessage | null) => this.#accept(reply);
    await channel.consume(DIRECT_REPLY, accept, { noAck: true });
  }

  lost(exchange: string): void {
    // What has just been confirmed may not have been noted yet.
    setImmediate(() => {
      for (const call of this.#calls.values()) {
        if (call.exchange === exchange && call.isConfirmed) call.end(CUT_OFF);
      }
    });
  }

  #accept(reply: ConsumeMessage | null): void {
    if (reply === null) return;
    const { content: body, properties } = reply;
    const call = this.#calls.get(properties.correlationId);
    if (!call || call.isOver) {
      this.#late += 1;
      return;
    }
    const reason: unknown = properties.headers?.[HEADERS.reason];
    call.end({ status: "replied", body, reason: typeof reason === "string" ? reason : null });
  }
}

const CUT_OFF: CallOutcome = {
  status: "outcome-unknown",
  message: "the connection was lost while the reply was waited for",
};

function noReply(timeoutMs: number): CallOutcome {
  return { status: "no-reply", message: `no reply within ${timeoutMs} ms` };
}
