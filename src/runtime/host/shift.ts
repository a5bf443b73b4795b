/** The thread that takes new deliveries, and those before it that finish what they have. */
import { setTimeout as sleep } from "node:timers/promises";
import { formatProblem, type Problem } from "../../errors.ts";
import type { Log } from "../../handler.ts";
import type { Topology } from "../../topology.ts";
import { backoffMs } from "../backoff.ts";
import type { Delivery, HostStatus } from "./host.ts";
import type { RemoteThread } from "./remote-thread.ts";

export type ShiftOptions = {
  readonly start: (topology: Topology) => Promise<Started>;
  /** The same, where nobody waits for it. */
  readonly startAside: (topology: Topology) => Promise<Started>;
  readonly log: Log;
};

/** A thread that has loaded its handlers, or what is wrong with them. */
export type Started = { readonly thread: RemoteThread; readonly problems: readonly Problem[] };

export class Shift {
  readonly #options: ShiftOptions;
  readonly #leaving = new Set<RemoteThread>();
  #current: RemoteThread | null = null;
  /** The current one if it has to be replaced. */
  #tired: RemoteThread | null = null;
  #topology: Topology | null = null;
  /** While there is no thread to give them to. */
  #waiting: Delivery[] = [];
  #renewing: Promise<void> | null = null;
  #problems: readonly Problem[] = [];
  /** Threads that ended by themselves since one has had a result. */
  #idleDeaths = 0;
  #isOver = false;

  constructor(options: ShiftOptions) {
    this.#options = options;
  }

  get topology(): Topology | null {
    return this.#topology;
  }

  get state(): HostStatus["state"] {
    if (this.#current) return "ready";
    return this.#problems.length > 0 ? "failing" : "starting";
  }

  /** Why there is no thread. */
  get problems(): readonly Problem[] {
    return this.#current ? [] : this.#problems;
  }

  /** Runs that a former thread still has. */
  get finishing(): number {
    return [...this.#leaving].reduce((sum, { inFlight }) => sum + inFlight.length, 0);
  }

  /** Resolves once no former thread is left. */
  async alone(): Promise<void> {
    while (this.#leaving.size > 0) await Promise.all([...this.#leaving].map((one) => one.ended));
  }

  /** New deliveries go to this thread's handlers, and to no others. */
  use(thread: RemoteThread): void {
    this.#topology = thread.topology;
    this.#idleDeaths = 0;
    if (!thread.isOver) this.#relieve(thread);
    else {
      // It has died since it was loaded.
      this.#dismiss();
      this.#startRenewal();
    }
  }

  deliver(batch: readonly Delivery[]): void {
    if (this.#current) this.#current.deliver(batch);
    else this.#waiting.push(...batch);
  }

  /** A result: what runs is sound. */
  worked(): void {
    this.#idleDeaths = 0;
  }

  /** A thread has died; what it had in flight is somebody else's care. */
  lost(thread: RemoteThread): void {
    if (thread !== this.#current) return;
    this.#current = null;
    this.#tired = null;
    this.#idleDeaths = thread.inFlight.length === 0 ? this.#idleDeaths + 1 : 0;
    this.#startRenewal();
  }

  /**
   * Another takes its place, and it ends once it has finished.
   *
   * @returns false if that is under way, or takes no replacement.
   */
  replace(thread: RemoteThread): boolean {
    if (thread !== this.#current || thread === this.#tired) return false;
    this.#tired = thread;
    this.#startRenewal();
    return true;
  }

  /** One more thread with the handlers in use; null when there is no use for it any more. */
  async another(): Promise<RemoteThread | null> {
    // Starting a thread takes much: that of all others comes first.
    while (this.#renewing !== null) await this.#renewing;
    for (let failures = 0; this.#topology && !this.#isOver; failures++) {
      const { thread, problems } = await this.#options.startAside(this.#topology);
      if (problems.length > 0) this.#report(problems);
      else if (!thread.isOver) return thread;
      await sleep(backoffMs(failures));
    }
    return null;
  }

  end(): void {
    this.#isOver = true;
    this.#waiting = [];
  }

  #startRenewal(): void {
    this.#renewing ??= this.#renew().finally(() => {
      this.#renewing = null;
    });
  }

  /** Starts a thread with the handlers in use; tried again until there is one, or no use for it. */
  async #renew(): Promise<void> {
    for (let failures = Math.max(0, this.#idleDeaths - 1); this.#isWanting; failures++) {
      if (failures > 0) await sleep(backoffMs(failures));
      // Unless it dies meanwhile: then nobody is there.
      if (this.#current) await Promise.race([this.alone(), this.#current.ended]);
      const topology = this.#topology;
      if (!topology || !this.#isWanting) break;
      const { thread, problems } = await this.#options.start(topology);
      if (problems.length > 0) this.#report(problems);
      else if (this.#isWanting && topology === this.#topology && !thread.isOver) {
        this.#relieve(thread);
      } else thread.end();
    }
  }

  get #isWanting(): boolean {
    return !this.#isOver && this.#current === this.#tired;
  }

  #relieve(thread: RemoteThread): void {
    this.#dismiss();
    this.#current = thread;
    this.#problems = [];
    const waiting = this.#waiting;
    this.#waiting = [];
    if (waiting.length > 0) thread.deliver(waiting);
  }

  /** The current one finishes what it has, and ends. */
  #dismiss(): void {
    const former = this.#current;
    this.#current = null;
    this.#tired = null;
    if (!former) return;
    this.#leaving.add(former);
    void former.ended.then(() => this.#leaving.delete(former));
    former.retire();
  }

  #report(problems: readonly Problem[]): void {
    if (this.#isOver) return;
    this.#problems = problems;
    const facts = { problems: problems.map(formatProblem) };
    this.#options.log.error(facts, "handlers can't be loaded again");
  }
}
