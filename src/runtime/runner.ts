/** Owns everything that runs: the way to the broker, the publisher, the consumers, the handlers. */
import type { ApplyReport } from "../apply/change/results.ts";
import { wantSame } from "../apply/objects.ts";
import type { Log } from "../handler.ts";
import { bindingsTo, type Topology } from "../topology.ts";
import { within } from "../within.ts";
import { Consumers } from "./consume/consumers.ts";
import { Drift } from "./drift.ts";
import type { HandlerHost, HostPorts, Prepared } from "./host/host.ts";
import { type Claims, createClaims } from "./idempotency/claims.ts";
import { Keys } from "./idempotency/keys.ts";
import { LoopDelay } from "./loop-delay.ts";
import { Preparing } from "./preparing.ts";
import { ConfirmPublisher } from "./publish/publisher.ts";
import { Recovery } from "./recovery/recovery.ts";
import { restartProblems } from "./restart.ts";
import { RpcClient } from "./rpc/client.ts";
import { staffedBy } from "./staffing.ts";
import type { RunnerStatus } from "./status.ts";
import { Trace, type TracedDelivery } from "./trace.ts";
import { type Edition, type Updated, Updates } from "./updates.ts";
import { type Way, Ways } from "./ways.ts";

export type RunnerOptions = {
  readonly topology: Topology;
  readonly createHost: (ports: HostPorts) => HandlerHost;
  /** It declares nothing on the broker, ever. */
  readonly isPassive?: boolean;
  /** It consumes these queues alone, now and after every update; null: all that have a handler. */
  readonly queues?: readonly string[] | null;
  /** As whom it applies the topology: `runner@host`. */
  readonly by?: string;
  readonly log: Log;
};

export class Runner {
  readonly #recovery: Recovery;
  readonly #publisher: ConfirmPublisher;
  readonly #rpc: RpcClient;
  readonly #host: HandlerHost;
  readonly #preparing: Preparing;
  readonly #consumers: Consumers;
  readonly #claims: Claims;
  readonly #updates: Updates;
  readonly #drift: Drift;
  readonly #trace = new Trace();
  readonly #loopDelay = new LoopDelay();
  readonly #ways: Ways;
  readonly #staffed: (topology: Topology) => Topology;
  #topology: Topology;
  #droppedReplies = 0;
  #expiredRequests = 0;
  #isStopping = false;

  constructor(options: RunnerOptions) {
    const { topology, createHost, log, isPassive = false, queues = null, by = "runner" } = options;
    this.#topology = topology;
    this.#staffed = (whole) => staffedBy(whole, queues);
    this.#rpc = new RpcClient((request, limits) => this.#publisher.publish(request, limits));
    this.#publisher = new ConfirmPublisher({
      state: () => this.#recovery.publishState,
      onMissingExchange: () => this.#recovery.repair(),
      replies: this.#rpc,
    });
    this.#host = createHost({
      publish: (request, loadedWith) => this.#ways.of(loadedWith).publish(request),
      call: (request, loadedWith) => this.#ways.of(loadedWith).call(request),
      log,
      onResults: (results) => this.#consumers.accept(results),
    });
    this.#preparing = new Preparing(this.#host, log);
    this.#recovery = new Recovery({
      topology: () => this.#topology,
      consumers: () => this.#consumers,
      publisher: this.#publisher,
      isPassive,
      by,
      log,
    });
    this.#drift = new Drift({ topology: () => this.#topology, log });
    this.#claims = createClaims(topology, { onChange: () => this.#consumers.heedStore(), log });
    this.#ways = new Ways({
      publisher: this.#publisher,
      client: this.#rpc,
      claims: this.#claims,
    });
    this.#consumers = new Consumers({
      publisher: this.#publisher,
      bindingsOf: (queue) => bindingsTo(this.#topology, queue),
      deliver: (batch) => this.#host.deliver(batch),
      once: { claims: this.#claims, keys: new Keys(() => this.#topology) },
      onLost: (lost, reason) => void this.#recovery.recover(lost, reason),
      onEnd: (consumer) => this.#recovery.forget(consumer),
      repair: () => this.#recovery.repair(),
      onReplyDropped: () => {
        this.#droppedReplies += 1;
      },
      onRequestExpired: () => {
        this.#expiredRequests += 1;
      },
      trace: this.#trace,
      log,
    });
    this.#updates = new Updates({ replace: (edition) => this.#replace(edition), log });
    this.#consumers.adopt(this.#staffed(topology));
  }

  /** The one that is in force. */
  get topology(): Topology {
    return this.#topology;
  }

  /** By HTTP. */
  readonly publish: Way["publish"] = (request) => this.#ways.of(this.#topology).publish(request);

  /** By HTTP. */
  readonly call: Way["call"] = (request) => this.#ways.of(this.#topology).call(request);

  /** Loads the handlers, before anything else; what is wrong with them, if anything. */
  async load(): Promise<Prepared> {
    const prepared = await this.#host.prepare(this.#staffed(this.#topology));
    if (prepared.ok) prepared.activate();
    return prepared;
  }

  /**
   * Applies the topology, connects and consumes; after `load`.
   *
   * @returns what was declared; null: nothing is, ever.
   * @throws {WarrenError} as `Recovery.start`.
   */
  async start(): Promise<ApplyReport | null> {
    this.#lookAtStore();
    const report = await this.#recovery.start();
    this.#drift.watch();
    return report;
  }

  /** An `update` is to be expected. */
  warm(): void {
    if (!this.#isStopping) this.#host.warm();
  }

  /**
   * Goes over to another topology and to the handlers as they are now, after `start`: everything
   * that could be wrong is tried first, and then all of it is in force at once. What is in flight
   * is finished by the handlers that began it; consumers that are in both keep their subscription.
   * Otherwise what runs goes on as it is. It never rejects but for a bug.
   */
  update(edition: Edition): Promise<Updated> {
    return this.#updates.update(edition);
  }

  /**
   * Finishes what is in flight and closes, all of it within `timeoutMs`. Then whatever is left is
   * cut off, and the broker gives it to somebody again.
   *
   * @param requests those that may still publish: the publisher ends after them.
   * @returns false when something was cut off, or the broker has not confirmed the end.
   */
  async stop(
    timeoutMs: number = this.#topology.drain.timeoutMs,
    requests: Promise<unknown> = Promise.resolve(),
  ): Promise<boolean> {
    this.#isStopping = true;
    const isDone = await within(this.#finish(timeoutMs, requests), timeoutMs, false);
    if (!isDone) this.#recovery.destroy();
    await this.#drift.stop();
    await this.#claims.stop();
    await this.#host.stop();
    this.#loopDelay.end();
    return isDone;
  }

  async #finish(timeoutMs: number, requests: Promise<unknown>): Promise<boolean> {
    const isDrained = await this.#consumers.drain(timeoutMs);
    await requests;
    await this.#publisher.stop();
    await this.#recovery.stop();
    return isDrained;
  }

  /** From now on /readyz says that it is not ready. */
  announceStop(): void {
    this.#isStopping = true;
  }

  trace(messageId: string): readonly TracedDelivery[] {
    return this.#trace.of(messageId);
  }

  /** @throws {WarrenError} as `Drift.document`. */
  drift(): Promise<object> {
    return this.#drift.document();
  }

  status(): RunnerStatus {
    const { generation, ...handlers } = this.#host.status();
    return {
      project: this.#topology.project,
      stopping: this.#isStopping,
      ...this.#recovery.status,
      drift: this.#drift.status,
      queues: this.#consumers.status,
      idempotency: this.#needsStore ? this.#claims.status : null,
      handlers,
      rpc: {
        waiting: this.#rpc.waiting,
        lateReplies: this.#rpc.late,
        droppedReplies: this.#droppedReplies,
        expiredRequests: this.#expiredRequests,
      },
      mainLoop: this.#loopDelay.status,
      reload: { generation, pending: this.#preparing.pending, ...this.#updates.status },
    };
  }

  async #replace(edition: Edition): Promise<Updated> {
    const problems = edition.ok
      ? restartProblems(this.#topology, edition.topology)
      : edition.problems;
    if (!edition.ok || problems.length > 0) {
      return { status: "refused", files: new Map(), problems };
    }
    const { topology, isWhole } = edition;
    const prepared = await this.#preparing.prepare(this.#staffed(topology));
    const { files } = prepared;
    const isHalf = isWhole ? !(await isWhole(files, prepared.ok)) : false;
    if (isHalf || this.#isStopping) {
      if (prepared.ok) prepared.discard();
      return { status: "discarded", files };
    }
    if (!prepared.ok) return { status: "refused", files, problems: prepared.problems };
    const isApplied = !wantSame(this.#topology, topology);
    const blocking = isApplied ? await this.#recovery.apply(topology) : [];
    if (blocking.length > 0 || this.#isStopping) {
      prepared.discard();
      return this.#isStopping
        ? { status: "discarded", files }
        : { status: "refused", files, problems: blocking };
    }
    prepared.activate();
    this.#topology = topology;
    const { added, removed } = this.#consumers.adopt(this.#staffed(topology));
    await Promise.all(added.map((consumer) => this.#recovery.consume(consumer)));
    this.#recovery.adopted();
    this.#lookAtStore();
    const { generation } = this.#host.status();
    const names = added.map(({ queue }) => queue.name);
    return { status: "updated", files, generation, added: names, removed };
  }

  get #needsStore(): boolean {
    if (this.#topology.stores.idempotency !== null) return true;
    return Object.values(this.#topology.queues).some(({ idempotency }) => idempotency !== null);
  }

  /** What is wrong with it is said before a message needs it. */
  #lookAtStore(): void {
    if (this.#needsStore) void this.#claims.look();
  }
}
