import { setTimeout } from "node:timers/promises";
import { defineHandler } from "warren";

// The signal aborts when the queue's timeout is over: pass it on, and the work ends in time too.
export default defineHandler<"task_queue">(async (_task, { log, message, signal }) => {
  await setTimeout(200, undefined, { signal });
  log.info({ priority: message.priority ?? 0 }, "page rendered");
});
