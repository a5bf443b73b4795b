/** Starts the embedded broker on a thread of its own, so that nothing here can hold it up. */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { MAX_STORED_BYTES } from "./model/memory.ts";
import type { Listening, ServerOptions } from "./server.ts";

/** Ports are any free ones, and 512 MiB of messages are kept, unless they say otherwise. */
export type EmbeddedBrokerOptions = Partial<ServerOptions>;

export type EmbeddedBroker = {
  /** `amqp://guest:guest@127.0.0.1:1234` */
  readonly url: string;
  /** `http://guest:guest@127.0.0.1:1235` */
  readonly managementUrl: string;
  /** Ends it, with all that it holds. */
  stop(): Promise<void>;
  /** Resolves once it is gone: to the error that ended it, and to null where it was stopped. */
  readonly ended: Promise<Error | null>;
};

export type ThreadMessage =
  | { readonly ok: true; readonly listening: Listening }
  | { readonly ok: false; readonly code: string; readonly message: string };

/**
 * A broker in memory: nothing that it holds outlives it.
 *
 * @throws {Error} with the code EADDRINUSE where a port is taken.
 */
export async function startEmbeddedBroker({
  port = 0,
  managementPort = 0,
  maxStoredBytes = MAX_STORED_BYTES,
}: EmbeddedBrokerOptions = {}): Promise<EmbeddedBroker> {
  const workerData: ServerOptions = { port, managementPort, maxStoredBytes };
  // No options of the process's own: they may be about what it runs itself.
  const worker = new Worker(entry(), { name: "warren broker", workerData, execArgv: [] });
  const ended = new Promise<Error | null>((resolve) => {
    let cause: Error | null = null;
    worker.on("error", (error: Error) => {
      cause = error;
    });
    worker.on("exit", () => resolve(cause));
  });
  const [message] = (await Promise.race([once(worker, "message"), ended.then(() => [])])) as [
    ThreadMessage?,
  ];
  if (!message?.ok) {
    await worker.terminate();
    const { code = "", message: text = "its thread has ended" } = message ?? {};
    throw Object.assign(new Error(`the embedded broker does not start: ${text}`), { code });
  }
  const { listening } = message;
  return {
    url: `amqp://guest:guest@127.0.0.1:${listening.port}`,
    managementUrl: `http://guest:guest@127.0.0.1:${listening.managementPort}`,
    ended,
    async stop() {
      await worker.terminate();
    },
  };
}

function entry(): URL {
  const isSource = import.meta.url.endsWith(".ts");
  return new URL(isSource ? "./source-thread.mjs" : "./thread.js", import.meta.url);
}
