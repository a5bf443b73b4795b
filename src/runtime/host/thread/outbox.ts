/** What a handler thread says to the runner's: what comes up in one tick goes together. */
import type { MessagePort } from "node:worker_threads";
import { messageOf } from "../../../errors.ts";
import { NUMBERS } from "../../../numbers.ts";
import { PassingMap } from "../../../passing-map.ts";
import type { Published, PublishRequest } from "../../publish/publish.ts";
import type { Called, CallRequest } from "../../rpc/call.ts";
import { packResults } from "../packing.ts";
import type { FromThread, PublishAnswer, PublishCall, RpcCall, RunResult } from "../protocol.ts";

export class Outbox {
  readonly #port: MessagePort;
  readonly #waiting = new PassingMap<number, (published: Published) => void>();
  readonly #calling = new PassingMap<number, (called: Called) => void>();
  #results: RunResult[] = [];
  /** Not sent yet. */
  #publishes: PublishCall[] = [];
  #calls: RpcCall[] = [];
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

  /** Not bounded as publishes are: those whom it calls may have to publish before it ends. */
  call(request: CallRequest, run: number): Promise<Called> {
    const call = ++this.#lastCall;
    this.#calls.push({ call, run, request: { ...request, body: own(request.body) } });
    this.#schedule();
    return new Promise((resolve) => this.#calling.set(call, resolve));
  }

  accept(answers: readonly PublishAnswer[]): void {
    for (const answer of answers) {
      if ("called" in answer) this.#calling.delete(answer.call)?.(answer.called);
      else this.#waiting.delete(answer.call)?.(answer.published);
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
    const calls = this.#calls;
    this.#isScheduled = false;
    this.#results = [];
    this.#ended = [];
    this.#calls = [];
    try {
      this.say({ type: "tick", results, publishes, calls, ended });
    } catch {
      // One of them has a header or a key that can't be cloned: a function, say.
      const sound = {
        publishes: publishes.filter((one) => this.#isCloneable(one, "published")),
        calls: calls.filter((one) => this.#isCloneable(one, "called")),
      };
      this.say({ type: "tick", results, ...sound, ended });
    }
  }

  /** So many that a handler which publishes without end leaves the runner its breath. */
  #nextPublishes(): readonly PublishCall[] {
    if (this.#publishes.length === 0) return [];
    const underWay = this.#waiting.size - this.#publishes.length;
    return this.#publishes.splice(0, NUMBERS.maxHandlerPublishes - underWay);
  }

  #isCloneable(one: PublishCall | RpcCall, answer: "published" | "called"): boolean {
    try {
      structuredClone(one);
      return true;
    } catch (error) {
      const { call, request } = one;
      const refusal = { ok: false, code: "malformed", message: messageOf(error) } as const;
      const refused = { ...refusal, messageId: String(request.messageId) };
      this.accept([answer === "called" ? { call, called: refused } : { call, published: refused }]);
      return false;
    }
  }
}

/** Cut out of its pool, which would be cloned with it. */
function own(body: Buffer): Buffer {
  const { buffer } = new Uint8Array(body);
  return Buffer.from(buffer);
}
