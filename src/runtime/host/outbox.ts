/** What a handler thread says to the runner's: what comes up in one tick goes together. */
import type { MessagePort } from "node:worker_threads";
import { messageOf } from "../../errors.ts";
import type { Log } from "../../handler.ts";
import type { Published, PublishRequest } from "../publish.ts";
import { packResults } from "./packing.ts";
import type { FromThread, PublishAnswer, PublishCall, RunResult } from "./protocol.ts";

export class Outbox {
  readonly #port: MessagePort;
  readonly #waiting = new Map<number, (published: Published) => void>();
  #results: RunResult[] = [];
  #publishes: PublishCall[] = [];
  #ended: number[] = [];
  #lastCall = 0;
  #isScheduled = false;

  constructor(port: MessagePort) {
    this.#port = port;
  }

  /** Now. */
  say(message: FromThread): void {
    this.#port.postMessage(message);
  }

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
  }

  /** At once, so that the last line before a thread's end is seen. */
  readonly log: Log = {
    debug: (fields, message) => this.#log("debug", fields, message),
    info: (fields, message) => this.#log("info", fields, message),
    warn: (fields, message) => this.#log("warn", fields, message),
    error: (fields, message) => this.#log("error", fields, message),
  };

  #log(level: keyof Log, fields: object, message: string): void {
    this.say({ type: "log", level, fields: toJson(fields), message: String(message) });
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => this.#flush());
  }

  #flush(): void {
    const results = packResults(this.#results);
    const publishes = this.#publishes;
    const ended = this.#ended;
    this.#isScheduled = false;
    this.#results = [];
    this.#publishes = [];
    this.#ended = [];
    try {
      this.say({ type: "tick", results, publishes, ended });
    } catch {
      // One of them has a header or a key that can't be cloned: a function, say.
      const sound = publishes.filter((call) => this.#isCloneable(call));
      this.say({ type: "tick", results, publishes: sound, ended });
    }
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

/** Whatever a handler logs: errors with their stacks, and no cycle or BigInt is a reason to throw. */
function toJson(fields: object): string {
  const path: unknown[] = [];
  try {
    return JSON.stringify(fields, function (this: unknown, _key, value: unknown) {
      path.splice(path.indexOf(this) + 1);
      if (path.includes(value)) return "[circular]";
      if (typeof value === "object" && value !== null) path.push(value);
      if (typeof value === "bigint") return String(value);
      if (value instanceof Error) return { ...value, message: value.message, stack: value.stack };
      return value;
    });
  } catch (error) {
    // A toJSON or a getter that throws.
    return JSON.stringify({ unreadable: String(error) });
  }
}
