/** The first module of a handler thread. */
import { parentPort } from "node:worker_threads";
import { createEventReader } from "../../events/reader.ts";
import type { Topology } from "../../topology.ts";
import { describeFailure } from "./failure.ts";
import { loadHandlers } from "./modules.ts";
import { Outbox } from "./outbox.ts";
import { unpack } from "./packing.ts";
import type { ToThread } from "./protocol.ts";
import { HandlerThread } from "./thread.ts";
// What handlers import as "warren" is loaded with this thread, before they are.
import "../../index.ts";

if (!parentPort) throw new Error("this module is the entry of a thread");
const outbox = new Outbox(parentPort);
let thread: HandlerThread | null = null;

parentPort.on("message", (message: ToThread) => {
  if (message.type === "load") void load(revive(message.topology));
  else if (message.type === "deliver") thread?.deliver(unpack(message.batch));
  else outbox.accept(message.answers);
});
outbox.say({ type: "booted" });

async function load(topology: Topology): Promise<void> {
  const modules = await loadHandlers(topology, {
    onLoading: (queue) => outbox.say({ type: "loading", queue }),
    onProblem: (error) => outbox.say({ type: "bad-handler", failure: describeFailure(error, []) }),
  });
  thread = new HandlerThread({
    topology,
    modules,
    reader: createEventReader(topology.events),
    log: outbox.log,
    publish: (request, delivery) => outbox.publish(request, delivery),
    onResult: (result) => outbox.result(result),
  });
  outbox.say({ type: "loaded" });
}

/** Cloning gives records a prototype, and a name such as `constructor` would be found in it. */
function revive(topology: Topology): Topology {
  const { exchanges, queues, events } = topology;
  return {
    ...topology,
    exchanges: Object.assign(Object.create(null), exchanges),
    queues: Object.assign(Object.create(null), queues),
    events: Object.assign(Object.create(null), events),
  };
}
