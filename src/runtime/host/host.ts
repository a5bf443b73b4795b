/**
 * The wall between the runner and the handlers: batches of deliveries go in, one outcome for each
 * comes out. What stands behind it (a worker thread, this thread) is nobody else's business.
 */
import type { Digests } from "../../digest.ts";
import type { Problem } from "../../errors.ts";
import type { Violation } from "../../events/reader.ts";
import type { Log, ReceivedMessage } from "../../handler.ts";
import type { Topology } from "../../topology.ts";
import type { Published, PublishRequest } from "../publish/publish.ts";
import type { Called, CallRequest } from "../rpc/call.ts";

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
 * | handled | acked: the handler returned and everything it published is confirmed; `reply` is sent before |
 * | failed  | retried after the next delay, or dead-lettered when there is none |
 * | retry   | retried after a declared delay of at least `afterMs`, or dead-lettered likewise |
 * | dead    | dead-lettered now |
 * | held    | broker trouble: run again later, nothing is counted |
 */
export type Outcome =
  | { readonly status: "handled" /** JSON; of an rpc queue alone. */; readonly reply?: string }
  | { readonly status: "failed"; readonly cause: Cause }
  | { readonly status: "retry"; readonly cause: Cause; readonly afterMs: number }
  | { readonly status: "dead"; readonly cause: Cause }
  | { readonly status: "held"; readonly reason: string };

/** An outcome by which the message has ended, or goes to its next attempt. */
export type Ended = Exclude<Outcome, { readonly status: "held" }>;

/** Why a message failed; it goes into the headers of the dead letter. */
export type Cause = {
  readonly reason:
    | "handler-failed"
    | "handler-timeout"
    | "handler-crash"
    | "rejected"
    | "undecodable"
    | "invalid-event"
    | "unexpected-event"
    | "no-idempotency-key"
    | "expired";
  /** One line, at most 1 KiB. */
  readonly error: string;
  /**
   * What `retryOn` and `rejectOn` may name: of what was thrown, and of each of its causes, the classes
   * and the code. Without it, the reason alone.
   */
  readonly names?: readonly (readonly string[])[];
  readonly violations?: readonly Violation[];
  /** Which schema an event breaks, as `type@version`. */
  readonly schema?: string;
};

export type Result = {
  readonly id: number;
  readonly queue: string;
  readonly outcome: Outcome;
  readonly durationMs: number;
};

/** What a host is given by the runner. */
export type HostPorts = {
  /** By which handlers publish; `topology` is the one that they were loaded with. */
  readonly publish: (request: PublishRequest, topology: Topology) => Promise<Published>;
  readonly call: (request: CallRequest, topology: Topology) => Promise<Called>;
  /** The results of a tick: one for each delivery, ever. */
  readonly onResults: (results: readonly Result[]) => void;
  readonly log: Log;
};

/**
 * The handlers of a topology, loaded and checked, and not in use yet; or what is wrong with them.
 * `files` has the real paths of what was loaded, as far as it came, each with its digest at that
 * moment: where a file is another one by then, or becomes one later, it is time to prepare again.
 */
export type Prepared =
  | {
      readonly ok: true;
      readonly files: Digests;
      /** New deliveries go to these handlers; those before them finish what they have. */
      readonly activate: () => void;
      readonly discard: () => void;
    }
  | {
      readonly ok: false;
      readonly files: Digests;
      readonly problems: readonly Problem[];
    };

export type HandlerHost = {
  /** A `prepare` is to be expected: what takes time and needs no handlers may be done now. */
  warm(): void;
  /** Loads every handler of a topology; one call at a time. Never rejects but for a bug. */
  prepare(topology: Topology): Promise<Prepared>;
  /** Starts a run for each; never throws. Only after an `activate`. */
  deliver(batch: readonly Delivery[]): void;
  status(): HostStatus;
  /** Ends at once, with whatever still runs; a `prepare` under way is not ok, without a problem. */
  stop(): Promise<void>;
};

/** For /health. */
export type HostStatus = {
  /** 1 for the handlers that the runner started with. */
  readonly generation: number;
  /** failing: the handlers in use can't be loaded again, after their thread has ended. */
  readonly state: "starting" | "ready" | "failing";
  /** What is wrong with them then. */
  readonly problems: readonly Problem[];
  /** Threads that were replaced because they ended, blocked, were full or did not let go. */
  readonly restarts: number;
  /** Runs that a thread with former handlers has yet to finish. */
  readonly finishing: number;
  /** Deliveries that are tried alone, since a thread ended with them. */
  readonly quarantined: number;
};
