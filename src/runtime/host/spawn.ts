/** Starts a thread for handlers. */
import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import { messageOf } from "../../errors.ts";
import type { ThreadData } from "./protocol.ts";
import { Pulse } from "./pulse.ts";

export type SpawnOptions = {
  /** What handlers see as `process.env`. */
  readonly env: Readonly<Record<string, string>>;
  /** Some handlers are TypeScript, which is loaded as it is. */
  readonly isTypeScript: boolean;
  readonly maxHeapBytes: number;
};

export type Spawned = {
  readonly worker: Worker;
  readonly pulse: Pulse;
  /** Where modules are said that Node 20 loads. */
  readonly modules: MessagePort;
  /** Resolves once it is gone, with the reason. */
  readonly exited: Promise<string>;
};

/**
 * V8's own limit, which is not the agreed one: that is watched over by `Watch`. Near V8's limit, or
 * where a single array does not fit below it, it may be the process that ends and not the thread.
 */
const V8_LIMIT_MB = 4_096;

/** Why a thread ended that took too much memory; such a reason may go on with the place. */
export const OUT_OF_MEMORY = "out of memory";

const isSource = import.meta.url.endsWith(".ts");
const entry = new URL(isSource ? "./thread/worker.ts" : "./thread/worker.js", import.meta.url);

/** Starts a thread, which loads nothing of the user's before it is told to. */
export function spawnThread({ env, isTypeScript, maxHeapBytes }: SpawnOptions): Spawned {
  const pulse = new Pulse();
  const { port1, port2 } = new MessageChannel();
  const workerData: ThreadData = { pulse: pulse.shared, modules: port2 };
  const worker = new Worker(isSource || isTypeScript ? withTypeScript() : entry, {
    name: "warren handlers",
    env,
    workerData,
    transferList: [port2],
    resourceLimits: {
      maxOldGenerationSizeMb: Math.max(V8_LIMIT_MB, Math.ceil((3 * maxHeapBytes) / 2 ** 20)),
    },
  });
  return { worker, pulse, modules: port1, exited: exitOf(worker) };
}

function exitOf(worker: Worker): Promise<string> {
  let reason: string | null = null;
  worker.on("error", (error) => {
    const isFull = (error as NodeJS.ErrnoException).code === "ERR_WORKER_OUT_OF_MEMORY";
    reason = isFull ? OUT_OF_MEMORY : messageOf(error);
  });
  return new Promise((resolve) => {
    worker.on("exit", (code) => resolve(reason ?? `ended with ${code}`));
  });
}

/** On Node 20 a thread does not apply `--import tsx` to its entry: so the entry registers it. */
function withTypeScript(): URL {
  const code = `import { register } from ${JSON.stringify(import.meta.resolve("tsx/esm/api"))};
register();
await import(${JSON.stringify(entry.href)});`;
  return new URL(`data:text/javascript,${encodeURIComponent(code)}`);
}
