/** The first module of a handler thread. */
import { parentPort, workerData } from "node:worker_threads";
import { createEventReader } from "../../events/reader.ts";
import { NUMBERS } from "../../numbers.ts";
import type { Topology } from "../../topology.ts";
import { describeFailure } from "./failure.ts";
import { guardThread } from "./guard.ts";
import { Heap } from "./heap.ts";
import { loadHandlers } from "./modules.ts";
import { Outbox } from "./outbox.ts";
import { unpackBatch } from "./packing.ts";
import type { ThreadData, ToThread } from "./protocol.ts";
import { Pulse } from "./pulse.ts";
import { Stalls } from "./stalls.ts";
import { HandlerThread } from "./thread.ts";
import { ThreadLog } from "./thread-log.ts";
import { trackModules } from "./tracking.ts";
// What handlers import as "warren" is loaded with this thread, before they are.
import "../../index.ts";

if (!parentPort) throw new Error("this module is the entry of a thread");
const { pulse: shared, modules: port } = workerData as ThreadData;
const outbox = new Outbox(parentPort);
const log = new ThreadLog(outbox.say);
const pulse = new Pulse(shared);
const stalls = new Stalls(NUMBERS.workerBeatMs);
let thread: HandlerThread | null = null;

parentPort.on("message", (message: ToThread) => {
  if (message.type === "load") void load(revive(message.topology));
  else if (message.type === "deliver") thread?.start(unpackBatch(message.batch));
  else outbox.accept(message.answers);
});
trackModules((module) => outbox.say({ type: "module", module }), port);
guardThread(log);

async function load(topology: Topology): Promise<void> {
  const modules = await loadHandlers(topology, {
    onLoading: (queue) => outbox.say({ type: "loading", queue }),
    onProblem: (error) => outbox.say({ type: "bad-handler", failure: describeFailure(error) }),
  });
  thread = new HandlerThread({
    topology,
    modules,
    stalls,
    pulse,
    reader: createEventReader(topology.events),
    log,
    publish: (request, run) => outbox.publish(request, run),
    onResult: (result) => outbox.result(result),
    onEnded: (run) => outbox.ended(run),
  });
  startBeating(topology.worker.maxHeapBytes);
  outbox.say({ type: "loaded" });
}

function startBeating(maxHeapBytes: number): void {
  const heap = new Heap(maxHeapBytes);
  let isFull = false;
  setInterval(() => {
    stalls.turned();
    log.turned();
    pulse.beat(heap.usedBytes);
    if (isFull || !heap.isFull()) return;
    isFull = true;
    outbox.say({ type: "full", bytes: heap.usedBytes });
  }, NUMBERS.workerBeatMs);
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
