/** What a runner says of itself; /health, /readyz and the log show it. */
import type { Problem } from "../errors.ts";
import type { DriftStatus } from "./drift.ts";
import type { HostStatus } from "./host/host.ts";
import type { StoreStatus } from "./idempotency/watched-store.ts";
import type { LoopDelayStatus } from "./loop-delay.ts";
import type { BreakerState } from "./pace/breaker.ts";
import type { Pause } from "./pace/pausing.ts";

export type ConnectionState = "connecting" | "ready" | "blocked" | "down" | "closed";
/**
 * `waiting`: an ordered queue, for what it was called before, whose messages come first. `paused`:
 * left alone for a time, on purpose.
 */
export type ConsumerState =
  | "starting"
  | "live"
  | "held"
  | "paused"
  | "waiting"
  | "down"
  | "stopped";

export type QueueStatus = {
  readonly consumer: ConsumerState;
  /** Why it is paused, oldest first. */
  readonly pauses: readonly Pause[];
  /** null: it has none. */
  readonly breaker: BreakerState | null;
  readonly inFlight: number;
  /** Messages that were handled before; of a queue with idempotency alone. */
  readonly duplicates?: number;
};

/** Since the start. */
export type RpcStatus = {
  /** Calls of this runner, now. */
  readonly waiting: number;
  /** That came when nobody waited any more. */
  readonly lateReplies: number;
  /** To requests of others, whose address no longer takes any. */
  readonly droppedReplies: number;
  /** Of others, that had no handler before their time was over. */
  readonly expiredRequests: number;
};

/** Times are RFC 3339, of this machine's clock. */
export type ConnectionStatus = {
  readonly state: ConnectionState;
  /** null while it is up. */
  readonly downSince: string | null;
  /** Why it was lost, or why the last attempt failed; null if nothing ever went wrong. */
  readonly lastFailure: { readonly at: string; readonly reason: string } | null;
  /** null unless an attempt is waited for. */
  readonly nextAttempt: string | null;
};

export type RunnerStatus = {
  readonly project: string;
  readonly stopping: boolean;
  readonly connections: Readonly<Record<"publish" | "consume", ConnectionStatus>>;
  /**
   * | topology | |
   * |----------|-|
   * | pending  | was not looked at yet |
   * | verified | is on the broker |
   * | conflict | the broker has another queue or exchange of a declared name |
   * | waiting  | what it needs is there; another topology is in force, or it is being changed, so this one is not declared |
   * | missing  | likewise, and something of what it needs is not there |
   */
  readonly topology: "pending" | "verified" | "conflict" | "waiting" | "missing";
  /** Of the project's state, as this runner left it last; null: it applied nothing. */
  readonly topologyGeneration: number | null;
  /** null: nobody has looked yet. */
  readonly drift: DriftStatus | null;
  /**
   * In words: conflicts of the topology, queues that the broker does not let be consumed, exchanges
   * whose messages it does not confirm.
   */
  readonly problems: readonly string[];
  readonly queues: Readonly<Record<string, QueueStatus>>;
  /** Where messages are remembered; null: no queue needs it. */
  readonly idempotency: StoreStatus | null;
  readonly handlers: Omit<HostStatus, "generation">;
  readonly rpc: RpcStatus;
  /** How late the loop of the runner's thread turns. */
  readonly mainLoop: LoopDelayStatus;
  readonly reload: {
    /** 1 for the handlers that the runner started with. */
    readonly generation: number;
    /** Since when it runs. */
    readonly at: string;
    /** What the next edit waits for, in words; null unless one has to wait. */
    readonly pending: string | null;
    /** Why a later edit is not what runs; empty when the last one is. */
    readonly problems: readonly Problem[];
  };
};

/**
 * Ready: connected both ways, topology verified, every consumer live, but for those that wait for
 * what their queue was called before: a runner of before may consume that until this one is ready.
 * A paused one is no fault, and another runner would pause as well. Handlers whose thread is
 * started again are as good as loaded, unless they can't be: deliveries wait for them meanwhile.
 */
export function isReady(status: RunnerStatus): boolean {
  const { connections, topology, queues, handlers, stopping } = status;
  return (
    !stopping &&
    Object.values(connections).every(({ state }) => state === "ready") &&
    (topology === "verified" || topology === "waiting") &&
    handlers.state !== "failing" &&
    Object.values(queues).every(({ consumer }) => READY.has(consumer))
  );
}

const READY: ReadonlySet<ConsumerState> = new Set(["live", "waiting", "paused"]);
