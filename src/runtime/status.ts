/** What a runner says of itself; /health, /readyz and the log show it. */
export type ConnectionState = "connecting" | "ready" | "blocked" | "down" | "closed";
export type ConsumerState = "starting" | "live" | "held" | "down" | "stopped";

export type RunnerStatus = {
  readonly project: string;
  readonly stopping: boolean;
  readonly connections: { readonly publish: ConnectionState; readonly consume: ConnectionState };
  /** `conflict`: the broker has another queue or exchange of a declared name. */
  readonly topology: "pending" | "verified" | "conflict";
  /** What went wrong last, in words, newest first; empty when all is well. */
  readonly problems: readonly string[];
  readonly queues: Readonly<
    Record<string, { readonly consumer: ConsumerState; readonly inFlight: number }>
  >;
};

/** Ready: connected both ways, topology verified, every consumer live. */
export function isReady(status: RunnerStatus): boolean {
  const { connections, topology, queues, stopping } = status;
  return (
    !stopping &&
    connections.publish === "ready" &&
    connections.consume === "ready" &&
    topology === "verified" &&
    Object.values(queues).every((queue) => queue.consumer === "live")
  );
}
