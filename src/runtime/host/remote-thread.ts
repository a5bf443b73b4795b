/** The runner's side of one handler thread. */
import type { Digests } from "../../digest.ts";
import { messageOf } from "../../errors.ts";
import type { Log } from "../../handler.ts";
import type { Topology } from "../../topology.ts";
import type { Published, PublishRequest } from "../publish/publish.ts";
import type { Called, CallRequest } from "../rpc/call.ts";
import { type Death, deathByForce, deathByItself } from "./death.ts";
import type { Delivery } from "./host.ts";
import { Loading, type LoadProblem } from "./loading.ts";
import { type NumberedRun, packBatch, unpackResults } from "./packing.ts";
import { describePlace } from "./problems.ts";
import type { FromThread, PublishAnswer, PublishCall, RpcCall, ToThread } from "./protocol.ts";
import { Runs, type ThreadResult } from "./runs.ts";
import type { Spawned } from "./spawn.ts";
import { Watchdog } from "./watchdog.ts";
import type { Whereabouts } from "./whereabouts.ts";

/** Once a thread was told to `end`, nothing is reported of it but `onLeft`. */
export type ThreadPorts = {
  readonly publish: (request: PublishRequest) => Promise<Published>;
  readonly call: (request: CallRequest) => Promise<Called>;
  readonly log: Log;
  readonly onResults: (thread: RemoteThread, results: readonly ThreadResult[]) => void;
  /** The function of a run of this queue has ended, at its result or later. */
  readonly onLeft: (queue: string) => void;
  /** It should be replaced: a handler does not let go, or its memory is full. */
  readonly onTired: (thread: RemoteThread, reason: string) => void;
  /** It is no more, and what it had in flight will have no result. */
  readonly onDeath: (thread: RemoteThread, death: Death) => void;
};

export class RemoteThread {
  readonly topology: Topology;
  readonly #spawned: Spawned;
  readonly #ports: ThreadPorts;
  readonly #loading: Loading;
  readonly #runs: Runs;
  readonly #ended: Promise<void>;
  #end: () => void = () => undefined;
  #outgoing: NumberedRun[] = [];
  #answers: PublishAnswer[] = [];
  #watchdog: Watchdog | null = null;
  #isFull = false;
  #isRetired = false;
  #isOver = false;

  constructor(spawned: Spawned, topology: Topology, ports: ThreadPorts) {
    this.#spawned = spawned;
    this.topology = topology;
    this.#ports = ports;
    this.#loading = new Loading(spawned);
    const onStuck = (queue: string) => this.#tire(`the handler of ${queue} goes on past its time`);
    this.#runs = new Runs({ onLeft: ports.onLeft, onStuck });
    this.#ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    spawned.worker.on("message", (message: FromThread) => this.#receive(message));
    void spawned.exited.then((reason) => this.#exit(reason));
  }

  get inFlight(): readonly Delivery[] {
    return this.#runs.inFlight;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** A function goes on whose run has its result, or the memory is full. */
  get isTired(): boolean {
    return this.#isFull || this.#runs.isLoose;
  }

  /** The modules of the user's that it has loaded, and those that were not there. */
  get files(): Digests {
    return this.#loading.files;
  }

  /** Imports the handlers; a thread with problems, or one that takes too long, is over. */
  async load(): Promise<readonly LoadProblem[]> {
    // The password of a broker or a store is nothing that handlers should have.
    const broker = { ...this.topology.broker, addresses: [] };
    const stores = { idempotency: null };
    this.#send({ type: "load", topology: { ...this.topology, broker, stores } });
    const problems = await this.#loading.problems();
    if (problems.length > 0) this.end();
    else if (!this.#isOver) {
      this.#watchdog = new Watchdog(this.#spawned, this.topology.worker, (reason, where) =>
        this.#condemn(reason, where),
      );
    }
    return problems;
  }

  deliver(batch: readonly Delivery[]): void {
    const isFirst = this.#outgoing.length === 0;
    this.#outgoing.push(...this.#runs.open(batch));
    // What comes up in one tick goes together.
    if (isFirst) setImmediate(() => this.#flush());
  }

  /** Finishes what it has, and ends then. */
  retire(): void {
    this.#isRetired = true;
    if (this.#runs.isEmpty) this.end();
  }

  /** At once, whatever it does. */
  end(): void {
    this.#isOver = true;
    this.#end();
    this.#watchdog?.end();
    void this.#spawned.worker.terminate();
  }

  /** Resolves with its `end`; where it stands in something native it may hang about a while. */
  get ended(): Promise<void> {
    return this.#ended;
  }

  get exited(): Promise<unknown> {
    return this.#spawned.exited;
  }

  #receive(message: FromThread): void {
    if (this.#isOver) return;
    switch (message.type) {
      case "log":
        this.#ports.log[message.level](JSON.parse(message.fields), message.message);
        break;
      case "full":
        this.#isFull = true;
        this.#tire(`its memory is full: ${message.bytes} bytes are alive`);
        break;
      case "tick":
        this.#acceptTick(message);
        break;
      default:
        this.#loading.accept(message);
    }
  }

  #acceptTick(tick: Extract<FromThread, { type: "tick" }>): void {
    const { results, publishes, calls, ended } = tick;
    for (const publish of publishes) void this.#publish(publish);
    for (const call of calls) void this.#call(call);
    const closed = this.#runs.close(unpackResults(results));
    this.#runs.leave(ended);
    if (closed.length > 0) this.#ports.onResults(this, closed);
    if (this.#isRetired) this.retire();
  }

  async #publish({ call, run, request }: PublishCall): Promise<void> {
    const { publish } = this.#ports;
    this.#answer({ call, published: await this.#try(run, request, publish) });
  }

  async #call({ call, run, request }: RpcCall): Promise<void> {
    this.#answer({ call, called: await this.#try(run, request, this.#ports.call) });
  }

  /** Refused once the run has its result: a handler whose time is over publishes nothing. */
  async #try<R extends { readonly body: Buffer }, A>(
    run: number,
    request: R,
    send: (request: R) => Promise<A>,
  ): Promise<A | Extract<Published, { ok: false }>> {
    const refusal = { ok: false, messageId: "" } as const;
    if (!this.#runs.get(run)) return { ...refusal, code: "stopping", message: "the run is over" };
    const { buffer, byteOffset, length } = request.body;
    try {
      return await send({ ...request, body: Buffer.from(buffer, byteOffset, length) });
    } catch (error) {
      // A bug; but whoever waits for an answer gets one, or its run would never end.
      this.#ports.log.error({ error }, "a handler's publish failed");
      return { ...refusal, code: "internal-error", message: messageOf(error) };
    }
  }

  #answer(answer: PublishAnswer): void {
    if (this.#isOver) return;
    this.#answers.push(answer);
    if (this.#answers.length === 1) setImmediate(() => this.#sendAnswers());
  }

  #sendAnswers(): void {
    const answers = this.#answers;
    this.#answers = [];
    this.#send({ type: "published", answers });
  }

  #flush(): void {
    const batch = packBatch(this.#outgoing);
    this.#outgoing = [];
    const message: ToThread = { type: "deliver", batch };
    this.#spawned.worker.postMessage(message, [batch.bodies]);
  }

  #send(message: ToThread): void {
    this.#spawned.worker.postMessage(message);
  }

  #tire(reason: string): void {
    if (!this.#isOver && !this.#isRetired) this.#ports.onTired(this, reason);
  }

  #condemn(reason: string, where: Whereabouts | null): void {
    const at = where && describePlace(where.stack, this.topology);
    const told = at ? `${reason} at ${at}` : reason;
    this.#die(deathByForce(told, this.#runs, { running: this.#spawned.pulse.run, where }));
  }

  #exit(reason: string): void {
    this.#runs.end();
    this.#spawned.modules.close();
    this.#die(deathByItself(reason, this.#runs, this.#spawned.pulse.run));
  }

  #die(death: Death): void {
    if (this.#isOver) return;
    this.end();
    // One that dies as it is loaded has nothing, and is nobody's yet.
    if (this.#watchdog) this.#ports.onDeath(this, death);
  }
}
