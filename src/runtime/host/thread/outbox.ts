/** What a handler thread says to the runner's: what comes up in one tick goes together. */
import type { MessagePort } from "node:worker_threads";
import { messageOf } from "../../../errors.ts";
import { NUMBERS } from "../../../numbers.ts";
import type { Published, PublishRequest } from "../../publish.ts";
import { packResults } from "../packing.ts";
import type { FromThread, PublishAnswer, PublishCall, RunResult } from "../protocol.ts";

export class Outbox {
  readonly #port: MessagePort;
  readonly #waiting = new Map<number, (published: Published) => void>();
  #results: RunResult[] = [];
  /** Not sent yet. */
  #publishes: PublishCall[] = [];
  #ended: number[] = [];
  #lastCall = 0;
  #isScheduled = false;

  constructor(port: MessagePort) {
    this.#port = port;
  }

  /** Now. */
  readonly say = (message: FromThread): void => {
    this.#port.postMessage(message);
  };

  result(result: RunResult): void {
    this.#results.push(result);
    this.#schedule();
  }

  /** The function of a run whose result was loose has ended. */
  ended(run: number): void {
    this.#ended.push(run);
    this.#schedule();
  }

  publish(request: PublishRequest, run: number): Promise<Published> {
    const call = ++this.#lastCall;
    this.#publishes.push({ call, run, request: { ...request, body: own(request.body) } });
    this.#schedule();
    return new Promise((resolve) => this.#waiting.set(call, resolve));
  }

  accept(answers: readonly PublishAnswer[]): void {
    for (const { call, published } of answers) {
      this.#waiting.get(call)?.(published);
      this.#waiting.delete(call);
    }
    if (this.#publishes.length > 0) this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => this.#flush());
  }

  #flush(): void {
    const results = packResults(this.#results);
    const ended = this.#ended;
    const publishes = this.#nextPublishes();
    this.#isScheduled = false;
    this.#results = [];
    this.#ended = [];
    try {
      this.say({ type: "tick", results, publishes, ended });
    } catch {
      // One of them has a header or a key that can't be cloned: a function, say.
      const sound = publishes.filter((call) => this.#isCloneable(call));
      this.say({ type: "tick", results, publishes: sound, ended });
    }
  }

  /** So many that a handler which publishes without end leaves the runner its breath. */
  #nextPublishes(): readonly PublishCall[] {
    if (this.#publishes.length === 0) return [];
    const underWay = this.#waiting.size - this.#publishes.length;
    return this.#publishes.splice(0, NUMBERS.maxHandlerPublishes - underWay);
  }

  #isCloneable(call: PublishCall): boolean {
    try {
      structuredClone(call);
      return true;
    } catch (error) {
      const refusal = { ok: false, code: "malformed", message: messageOf(error) } as const;
      const published = { ...refusal, messageId: String(call.request.messageId) };
      this.accept([{ call: call.call, published }]);
      return false;
    }
  }
}

/** Cut out of its pool, which would be cloned with it. */
function own(body: Buffer): Buffer {
  const { buffer } = new Uint8Array(body);
  return Buffer.from(buffer);
}
