/** The broker's thread: listens, and says where. */
import { parentPort, workerData } from "node:worker_threads";
import { listen, type ServerOptions } from "./server.ts";
import type { ThreadMessage } from "./start.ts";

const say = (message: ThreadMessage) => parentPort?.postMessage(message);
try {
  say({ ok: true, listening: await listen(workerData as ServerOptions) });
} catch (error) {
  const { code = "", message } = error as NodeJS.ErrnoException;
  say({ ok: false, code, message });
}
