/**
 * Asks a thread that is busy with JavaScript which run it is in, where, and with how much memory.
 * It can't read a message; but V8's inspector makes it stop and look.
 */
import { Session } from "node:inspector";
import { setTimeout as sleep } from "node:timers/promises";
import type { Worker } from "node:worker_threads";

export type Whereabouts = {
  /** The id of the delivery; null: it is in no run. */
  readonly delivery: number | null;
  readonly stack: string;
  /** What is alive, once garbage is collected. */
  readonly heapBytes: number;
};

/** The name under which the thread has the function that answers, as JSON. */
export const WHEREABOUTS = "warren.whereabouts";

/**
 * A session with one thread. It stays open until the thread is gone, or is let go in order: a thread
 * that is stopped and has lost its session goes on for ever, whatever it is told.
 */
export class Interrogation {
  readonly #session = new Session();
  readonly #thread: string;
  readonly #answer: Promise<Whereabouts | null>;
  #sessionId = "";
  #resolve: (answer: Whereabouts | null) => void = () => undefined;

  constructor(worker: Worker, exited: Promise<unknown>) {
    this.#thread = `[worker ${worker.threadId}]`;
    this.#answer = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    void exited.then(() => this.#session.disconnect());
  }

  /**
   * null without an answer in time: it stands in something that is not JavaScript, say. A loop may
   * take a thousand turns to answer, and each of them may be long.
   */
  async ask(withinMs: number): Promise<Whereabouts | null> {
    const limit = new AbortController();
    try {
      this.#begin();
      const late = sleep(withinMs, null, { signal: limit.signal });
      return await Promise.race([this.#answer, late]);
    } catch {
      // Node's permission model denies the inspector.
      return null;
    } finally {
      limit.abort();
    }
  }

  /** The thread goes on as if nothing had been. */
  letGo(): void {
    this.#send(STEPS.letGo, "Debugger.disable");
  }

  #begin(): void {
    this.#session.connect();
    this.#session.on("NodeWorker.attachedToWorker", ({ params }) => {
      if (!params.workerInfo.title.startsWith(this.#thread)) return;
      this.#sessionId = params.sessionId;
      this.#send(STEPS.enable, "Debugger.enable");
      this.#send(STEPS.pause, "Debugger.pause");
    });
    this.#session.on("NodeWorker.receivedMessageFromWorker", ({ params }) => {
      if (params.sessionId === this.#sessionId) this.#receive(JSON.parse(params.message) as Reply);
    });
    this.#session.post("NodeWorker.enable", { waitForDebuggerOnStart: false });
  }

  #receive({ id, method, result }: Reply): void {
    if (method === "Debugger.paused") {
      const expression = `globalThis[Symbol.for(${JSON.stringify(WHEREABOUTS)})]()`;
      // Not on the frame: one of Node's own may have hidden what is global.
      this.#send(STEPS.look, "Runtime.evaluate", { expression });
    } else if (id === STEPS.look) {
      this.#send(STEPS.resume, "Debugger.resume");
      const value = result?.result?.value;
      this.#resolve(typeof value === "string" ? (JSON.parse(value) as Whereabouts) : null);
    } else if (id === STEPS.letGo) this.#session.disconnect();
  }

  #send(id: number, method: string, params: object = {}): void {
    const message = JSON.stringify({ id, method, params });
    const request = { sessionId: this.#sessionId, message };
    this.#session.post("NodeWorker.sendMessageToWorker", request);
  }
}

/** The ids of what is sent, by which the replies are known. */
const STEPS = { enable: 1, pause: 2, look: 3, resume: 4, letGo: 5 } as const;

type Reply = {
  readonly id?: number;
  readonly method?: string;
  readonly result?: { readonly result?: { readonly value?: unknown } };
};
