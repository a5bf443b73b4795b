/** The runner's side of one handler thread: what it was given, what it says, and its end. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Worker } from "node:worker_threads";
import { messageOf } from "../../errors.ts";
import type { Log } from "../../handler.ts";
import type { Topology } from "../../topology.ts";
import type { Published, PublishRequest } from "../publish.ts";
import type { LoadFailure } from "./failure.ts";
import type { Delivery, Result } from "./host.ts";
import { pack } from "./packing.ts";
import type { FromThread, PublishAnswer, PublishCall, ToThread } from "./protocol.ts";
import { type SpawnOptions, spawnThread } from "./spawn.ts";

export type RemoteThreadOptions = SpawnOptions & {
  readonly publish: (request: PublishRequest) => Promise<Published>;
  readonly log: Log;
  readonly onResults: (thread: RemoteThread, results: readonly Result[]) => void;
  /** It is no more, and what it had in flight will have no result. Never after `end`. */
  readonly onDeath: (thread: RemoteThread, reason: string) => void;
};

/** What is wrong with the handler of a queue. */
export type LoadProblem = LoadFailure & { readonly queue: string };

export class RemoteThread {
  readonly #options: RemoteThreadOptions;
  readonly #worker: Worker;
  readonly #exited: Promise<void>;
  readonly #inFlight = new Map<number, Delivery>();
  readonly #problems: LoadProblem[] = [];
  #outgoing: Delivery[] = [];
  #answers: PublishAnswer[] = [];
  #loading: string | null = null;
  #onLoaded: () => void = () => undefined;
  #error: unknown = null;
  #isRetired = false;
  #isOver = false;

  constructor(options: RemoteThreadOptions) {
    this.#options = options;
    this.#worker = spawnThread(options);
    this.#worker.on("message", (message: FromThread) => this.#receive(message));
    this.#worker.on("error", (error) => {
      this.#error = error;
    });
    this.#exited = new Promise((resolve) => {
      this.#worker.on("exit", (code) => {
        const reason = this.#error === null ? `it ended with ${code}` : messageOf(this.#error);
        this.#die(reason);
        resolve();
      });
    });
  }

  /** Given to it, without a result so far. */
  get inFlight(): ReadonlyMap<number, Delivery> {
    return this.#inFlight;
  }

  /** Imports the handlers; a thread with problems, or one that took too long, is over. */
  async load(topology: Topology, deadlineMs: number): Promise<readonly LoadProblem[]> {
    const loaded = new Promise<"loaded">((resolve) => {
      this.#onLoaded = () => resolve("loaded");
    });
    // A broker's password is nothing that handlers should have.
    const broker = { ...topology.broker, addresses: [] };
    this.#send({ type: "load", topology: { ...topology, broker } });
    const limit = new AbortController();
    const late = sleep(deadlineMs, "late" as const, { signal: limit.signal }).catch(() => "late");
    const end = await Promise.race([loaded, this.#exited, late]);
    limit.abort();
    if (end !== "loaded") {
      const reason =
        end === "late"
          ? `has not loaded within ${deadlineMs} ms`
          : `ended its thread as it was loaded: ${messageOf(this.#error)}`;
      this.#blame({ reason, at: null });
    }
    if (this.#problems.length > 0) this.end();
    return this.#problems;
  }

  deliver(batch: readonly Delivery[]): void {
    for (const delivery of batch) this.#inFlight.set(delivery.id, delivery);
    this.#outgoing.push(...batch);
    // What comes up in one tick goes together.
    if (this.#outgoing.length === batch.length) setImmediate(() => this.#flush());
  }

  /** Finishes what it has, and ends then. */
  retire(): void {
    this.#isRetired = true;
    if (this.#inFlight.size === 0) this.end();
  }

  /** At once, whatever it does. */
  end(): void {
    this.#isOver = true;
    void this.#worker.terminate();
  }

  /** Resolves once the thread is gone. */
  get exited(): Promise<void> {
    return this.#exited;
  }

  #receive(message: FromThread): void {
    if (this.#isOver) return;
    switch (message.type) {
      case "booted":
        break;
      case "loading":
        this.#loading = message.queue;
        break;
      case "bad-handler":
        this.#blame(message.failure);
        break;
      case "loaded":
        this.#onLoaded();
        break;
      case "log":
        this.#options.log[message.level](JSON.parse(message.fields), message.message);
        break;
      case "tick":
        for (const call of message.publishes) void this.#publish(call);
        for (const { id } of message.results) this.#inFlight.delete(id);
        if (message.results.length > 0) this.#options.onResults(this, message.results);
        if (this.#isRetired) this.retire();
    }
  }

  #blame(failure: LoadFailure): void {
    this.#problems.push({ queue: this.#loading ?? "", ...failure });
  }

  /** Refused once the delivery has its result: a handler whose time is over publishes nothing. */
  async #publish({ call, delivery, request }: PublishCall): Promise<void> {
    const { buffer, byteOffset, length } = request.body;
    const body = Buffer.from(buffer, byteOffset, length);
    const published = this.#inFlight.has(delivery)
      ? await this.#options.publish({ ...request, body })
      : ({
          ok: false,
          code: "stopping",
          message: "the handler's run is over: it can't publish any more",
          messageId: request.messageId ?? "",
        } as const);
    if (this.#isOver) return;
    this.#answers.push({ call, published });
    if (this.#answers.length === 1) setImmediate(() => this.#answer());
  }

  #answer(): void {
    const answers = this.#answers;
    this.#answers = [];
    this.#send({ type: "published", answers });
  }

  #flush(): void {
    const batch = pack(this.#outgoing);
    this.#outgoing = [];
    this.#worker.postMessage({ type: "deliver", batch } satisfies ToThread, [batch.bodies]);
  }

  #send(message: ToThread): void {
    this.#worker.postMessage(message);
  }

  #die(reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#options.onDeath(this, reason);
  }
}
