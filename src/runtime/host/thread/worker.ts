/** The first module of a handler thread. */
import { parentPort, workerData } from "node:worker_threads";
import { createEventReader } from "../../../events/reader.ts";
import { NUMBERS } from "../../../numbers.ts";
import type { Topology } from "../../../topology.ts";
import { unpackBatch } from "../packing.ts";
import type { ThreadData, ToThread } from "../protocol.ts";
import { Pulse } from "../pulse.ts";
import { describeFailure } from "./failure.ts";
import { guardThread } from "./guard.ts";
import { HandlerThread } from "./handler-thread.ts";
import { Heap } from "./heap.ts";
import { ThreadLog } from "./log.ts";
import { loadHandlers } from "./modules.ts";
import { Outbox } from "./outbox.ts";
import { Stalls } from "./stalls.ts";
import { trackModules } from "./tracking.ts";
// What handlers import as "warren" is loaded with this thread, before they are.
import "../../../index.ts";

/** Above this part of the limit garbage is collected, to see what is alive. */
const CROWDED = 0.8;
/** With so much alive, collecting would soon be all that the thread does. */
const FULL = 0.6;

if (!parentPort) throw new Error("this module is the entry of a thread");
const { pulse: shared, modules: port } = workerData as ThreadData;
const outbox = new Outbox(parentPort);
const log = new ThreadLog(outbox.say);
const pulse = new Pulse(shared);
const stalls = new Stalls(NUMBERS.workerBeatMs);
const heap = new Heap();
let thread: HandlerThread | null = null;

parentPort.on("message", (message: ToThread) => {
  if (message.type === "load") void load(revive(message.topology));
  else if (message.type === "deliver") thread?.start(unpackBatch(message.batch));
  else outbox.accept(message.answers);
});
trackModules((module) => outbox.say({ type: "module", module }), port);
guardThread(log, heap);

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
  let isFull = false;
  setInterval(() => {
    stalls.turned();
    log.turned();
    pulse.beat(heap.usedBytes);
    if (isFull || heap.usedBytes < CROWDED * maxHeapBytes) return;
    const bytes = heap.collect();
    isFull = bytes > FULL * maxHeapBytes;
    if (isFull) outbox.say({ type: "full", bytes });
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
