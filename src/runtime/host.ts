/**
 * The wall between the runner and the handlers: batches of deliveries go in, one outcome for each
 * comes out. What stands behind it (this thread, a worker) is nobody else's business.
 */
import type { Violation } from "../events/reader.ts";
import type { ReceivedMessage } from "../handler.ts";

export type Delivery = {
  /** Unique in this process. */
  readonly id: number;
  readonly queue: string;
  /** 1 for the first run. */
  readonly attempt: number;
  readonly message: ReceivedMessage;
};

/**
 * | status  | the message |
 * |---------|-------------|
 * | handled | acked: the handler returned and everything it published is confirmed |
 * | failed  | retried after the next delay, or dead-lettered when there is none |
 * | retry   | retried after a declared delay of at least `afterMs`, or dead-lettered likewise |
 * | dead    | dead-lettered now |
 * | held    | broker trouble: run again later, nothing is counted |
 */
export type Outcome =
  | { readonly status: "handled" }
  | { readonly status: "failed"; readonly cause: Cause }
  | { readonly status: "retry"; readonly cause: Cause; readonly afterMs: number }
  | { readonly status: "dead"; readonly cause: Cause }
  | { readonly status: "held"; readonly reason: string };

/** Why a message failed; it goes into the headers of the dead letter. */
export type Cause = {
  readonly reason:
    | "handler-failed"
    | "handler-timeout"
    | "rejected"
    | "undecodable"
    | "invalid-event"
    | "unexpected-event";
  /** One line, at most 1 KiB. */
  readonly error: string;
  readonly violations?: readonly Violation[];
};

export type Result = {
  readonly id: number;
  readonly queue: string;
  readonly outcome: Outcome;
  readonly durationMs: number;
};

export type HandlerHost = {
  /** Starts a run for each; never throws. */
  deliver(batch: readonly Delivery[]): void;
};
