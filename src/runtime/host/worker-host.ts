/** A host whose handlers run on threads: what they do there can't hurt the runner's thread. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Problem } from "../../errors.ts";
import type { Log } from "../../handler.ts";
import { NUMBERS } from "../../numbers.ts";
import type { Topology } from "../../topology.ts";
import { Crashes } from "./crashes.ts";
import type { Death } from "./death.ts";
import type { Delivery, HandlerHost, HostPorts, HostStatus, Prepared, Result } from "./host.ts";
import { describeProblems } from "./problems.ts";
import { Quarantine } from "./quarantine.ts";
import { RemoteThread } from "./remote-thread.ts";
import type { ThreadResult } from "./runs.ts";
import { Shift, type Started } from "./shift.ts";
import { Spares } from "./spares.ts";
import type { Spawned } from "./spawn.ts";
import { Turnstile } from "./turnstile.ts";

export type WorkerHostOptions = {
  /** What handlers see as `process.env`, but for what names the broker. */
  readonly env: Readonly<Record<string, string | undefined>>;
};

/** Loads the handlers on a thread of their own, which is ended then; what is wrong with them. */
export async function checkHandlers(
  topology: Topology,
  { env, log }: WorkerHostOptions & { readonly log: Log },
): Promise<readonly Problem[]> {
  const refuse = () => Promise.reject(new Error("a check publishes nothing"));
  const ports = { publish: refuse, call: refuse, onResults: () => undefined, log };
  const host = new WorkerHost(ports, { env });
  const prepared = await host.prepare(topology);
  await host.stop();
  return prepared.ok ? [] : prepared.problems;
}

export class WorkerHost implements HandlerHost {
  readonly #ports: HostPorts;
  readonly #spares: Spares;
  readonly #turnstile = new Turnstile();
  readonly #crashes = new Crashes();
  readonly #shift: Shift;
  readonly #quarantine: Quarantine;
  readonly #threads = new Set<RemoteThread>();
  #generation = 0;
  #restarts = 0;
  #isOver = false;

  constructor(ports: HostPorts, { env }: WorkerHostOptions) {
    this.#ports = ports;
    this.#spares = new Spares(env);
    this.#shift = new Shift({
      start: (topology) => this.#start(this.#spares.take(topology), topology),
      startAside: (topology) => this.#start(this.#spares.spawn(topology), topology),
      log: ports.log,
    });
    this.#quarantine = new Quarantine({
      start: () => this.#shift.another(),
      isCurrent: ({ topology }) => topology === this.#shift.topology,
    });
  }

  warm(): void {
    if (this.#shift.topology) this.#spares.warm(this.#shift.topology);
  }

  /** Waits for the end of former handlers: two kinds of them live at most. */
  async prepare(topology: Topology): Promise<Prepared> {
    await this.#shift.alone();
    if (this.#isOver) return { ok: false, files: new Map(), problems: [] };
    const { thread, problems } = await this.#start(this.#spares.take(topology), topology);
    const { files } = thread;
    // That a thread was ended by the stop is nothing that is wrong with its handlers.
    if (this.#isOver) return { ok: false, files, problems: [] };
    if (problems.length > 0) return { ok: false, files, problems };
    const activate = () => {
      this.#generation += 1;
      this.#shift.use(thread);
    };
    return { ok: true, files, activate, discard: () => thread.end() };
  }

  deliver(batch: readonly Delivery[]): void {
    const { topology } = this.#shift;
    if (topology) this.#shift.deliver(this.#turnstile.enter(batch, topology));
  }

  status(): HostStatus {
    const { state, problems, finishing } = this.#shift;
    return {
      generation: this.#generation,
      state,
      problems,
      restarts: this.#restarts,
      finishing,
      quarantined: this.#quarantine.size,
    };
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    this.#shift.end();
    this.#spares.end();
    const threads = [...this.#threads];
    for (const thread of threads) thread.end();
    const exited = Promise.all(threads.map((thread) => thread.exited));
    await Promise.race([exited, sleep(NUMBERS.workerAnswerMs, undefined, { ref: false })]);
  }

  async #start(spawned: Spawned, topology: Topology): Promise<Started> {
    const { log, publish, call } = this.#ports;
    const thread = new RemoteThread(spawned, topology, {
      log,
      publish: (request) => publish(request, topology),
      call: (request) => call(request, topology),
      onResults: (from, results) => this.#accept(from, results),
      onLeft: (queue) => this.#leave(queue),
      onTired: (from, reason) => this.#replace(from, reason),
      onDeath: (from, death) => this.#bury(from, death),
    });
    this.#threads.add(thread);
    void thread.exited.then(() => this.#threads.delete(thread));
    return { thread, problems: await describeProblems(await thread.load(), thread) };
  }

  #accept(thread: RemoteThread, results: readonly ThreadResult[]): void {
    this.#shift.worked();
    const again: Delivery[] = [];
    const ready = results.flatMap(({ delivery, outcome, durationMs }): readonly Result[] => {
      if (outcome.status !== "crashed") {
        return [{ id: delivery.id, queue: delivery.queue, outcome, durationMs }];
      }
      const result = this.#crashes.count(delivery, outcome.error, thread.topology);
      if (result) return [result];
      again.push(delivery);
      return [];
    });
    if (this.#quarantine.owns(thread)) this.#quarantine.acquit();
    if (again.length > 0) this.deliver(again);
    if (ready.length > 0) this.#ports.onResults(ready);
  }

  #leave(queue: string): void {
    const next = this.#turnstile.leave(queue);
    if (next) this.#shift.deliver([next]);
  }

  #replace(thread: RemoteThread, reason: string): void {
    if (!this.#shift.replace(thread)) return;
    this.#restarts += 1;
    this.#ports.log.warn({ reason }, "the handlers' thread is replaced");
  }

  #bury(thread: RemoteThread, death: Death): void {
    this.#restarts += 1;
    this.#report(thread, death);
    if (this.#quarantine.owns(thread)) {
      const alone = this.#quarantine.lost();
      if (alone) this.#convict(alone, death, thread);
      const isInnocent = (delivery: Delivery) => this.#crashes.of(delivery) === 0;
      this.#shift.deliver(this.#quarantine.release(isInnocent));
      return;
    }
    const { culprit, suspects } = death;
    const others = thread.inFlight.filter((one) => one !== culprit && !suspects.includes(one));
    const isOpen = culprit === null;
    const doubtful = others.filter((one) => isOpen && this.#crashes.doubt(one));
    this.#shift.lost(thread);
    this.#shift.deliver(others.filter((one) => !doubtful.includes(one)));
    this.#quarantine.add([...suspects.toReversed(), ...doubtful]);
    if (culprit) this.#convict(culprit, death, thread);
  }

  #convict(delivery: Delivery, { reason }: Death, { topology }: RemoteThread): void {
    const result = this.#crashes.count(delivery, reason, topology);
    if (!result) {
      this.#quarantine.add([delivery]);
      return;
    }
    this.#leave(delivery.queue);
    this.#ports.onResults([result]);
  }

  #report({ inFlight }: RemoteThread, { reason, culprit, suspects }: Death): void {
    const named = culprit ? { queue: culprit.queue, messageId: culprit.message.id } : {};
    const counts = { suspects: suspects.length, inFlight: inFlight.length };
    this.#ports.log.error({ reason, ...named, ...counts }, "the handlers' thread died");
  }
}
