/** The broker's thread: listens, and says where. */
import { parentPort, workerData } from "node:worker_threads";
import { listen } from "./server.ts";
import type { ThreadMessage, ThreadOptions } from "./start.ts";

const { port, managementPort } = workerData as ThreadOptions;
const say = (message: ThreadMessage) => parentPort?.postMessage(message);
try {
  say({ ok: true, listening: await listen(port, managementPort) });
} catch (error) {
  const { code = "", message } = error as NodeJS.ErrnoException;
  say({ ok: false, code, message });
}
