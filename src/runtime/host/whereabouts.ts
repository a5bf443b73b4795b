/**
 * Asks a thread that is busy with JavaScript which run it is in, and where. It can't read a
 * message; but V8's inspector makes it stop and look.
 */
import { Session } from "node:inspector";
import { setTimeout as sleep } from "node:timers/promises";
import type { Worker } from "node:worker_threads";
import { NUMBERS } from "../../numbers.ts";

export type Whereabouts = {
  /** The id of the delivery; null: it is in no run. */
  readonly delivery: number | null;
  readonly stack: string;
};

/** The name under which the thread has the function that answers, as JSON. */
export const WHEREABOUTS = "warren.whereabouts";

/**
 * The thread has to be ended then: the session stays open until it is, since a thread that is
 * stopped without one goes on for ever, whatever it is told.
 *
 * @returns null without an answer in time: it stands in something that is not JavaScript, say.
 */
export async function askWhereabouts(
  worker: Worker,
  exited: Promise<unknown>,
): Promise<Whereabouts | null> {
  const session = new Session();
  void exited.then(() => session.disconnect());
  const limit = new AbortController();
  const late = sleep(NUMBERS.workerAnswerMs, null, { signal: limit.signal });
  try {
    session.connect();
    return await Promise.race([ask(session, worker.threadId), late]);
  } catch {
    // A Node that is built without the inspector.
    return null;
  } finally {
    limit.abort();
  }
}

type Answer = {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly callFrames?: readonly { readonly callFrameId: string }[] };
  readonly result?: { readonly result?: { readonly value?: unknown } };
};

function ask(session: Session, threadId: number): Promise<Whereabouts | null> {
  return new Promise((resolve) => {
    let sessionId = "";
    const send = (id: number, method: string, params: object = {}) => {
      const message = JSON.stringify({ id, method, params });
      session.post("NodeWorker.sendMessageToWorker", { sessionId, message });
    };
    session.on("NodeWorker.attachedToWorker", ({ params }) => {
      if (!params.workerInfo.title.startsWith(`[worker ${threadId}]`)) return;
      sessionId = params.sessionId;
      send(1, "Debugger.enable");
      send(2, "Debugger.pause");
    });
    session.on("NodeWorker.receivedMessageFromWorker", ({ params }) => {
      if (params.sessionId !== sessionId) return;
      const { id, method, params: event, result } = JSON.parse(params.message) as Answer;
      if (method === "Debugger.paused") {
        const callFrameId = event?.callFrames?.[0]?.callFrameId;
        const expression = `globalThis[Symbol.for(${JSON.stringify(WHEREABOUTS)})]()`;
        send(3, "Debugger.evaluateOnCallFrame", { callFrameId, expression });
      } else if (id === 3) {
        send(4, "Debugger.resume");
        const value = result?.result?.value;
        resolve(typeof value === "string" ? (JSON.parse(value) as Whereabouts) : null);
      }
    });
    session.post("NodeWorker.enable", { waitForDebuggerOnStart: false });
  });
}
