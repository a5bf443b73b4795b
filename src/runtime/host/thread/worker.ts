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
/** With so much of what its modules have left alive, collecting would soon be all that it does. */
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
    call: (request, run) => outbox.call(request, run),
    onResult: (result) => outbox.result(result),
    onEnded: (run) => outbox.ended(run),
  });
  checkModules(topology.worker.maxHeapBytes);
  startBeating(topology.worker.maxHeapBytes);
  outbox.say({ type: "loaded" });
}

/** Another thread would have no more room than this one. */
function checkModules(maxHeapBytes: number): void {
  if (heap.usedBytes <= maxHeapBytes) return;
  const bytes = heap.collect();
  if (bytes <= maxHeapBytes) return;
  const reason = `their modules keep ${bytes} bytes alive, worker.memory is ${maxHeapBytes}`;
  outbox.say({ type: "loading", queue: "" });
  outbox.say({ type: "bad-handler", failure: { reason, at: null, missing: null } });
}

function startBeating(maxHeapBytes: number): void {
  const ofModules = heap.usedBytes;
  const fullBytes = ofModules + FULL * (maxHeapBytes - ofModules);
  let crowdedBytes = CROWDED * maxHeapBytes;
  let isFull = false;
  setInterval(() => {
    stalls.turned();
    log.turned();
    const isCrowded = heap.usedBytes >= crowdedBytes;
    const bytes = isCrowded ? heap.collect() : heap.usedBytes;
    pulse.beat(bytes);
    if (!isCrowded) return;
    crowdedBytes = Math.max(CROWDED * maxHeapBytes, bytes + (CROWDED - FULL) * maxHeapBytes);
    if (isFull || bytes <= fullBytes) return;
    isFull = true;
    outbox.say({ type: "full", bytes });
  }, NUMBERS.workerBeatMs);
}

/** Cloning gives records a prototype, and a name such as `constructor` would be found in it. */
function revive(topology: Topology): Topology {
  const { exchanges, queues, events, replies } = topology;
  return {
    ...topology,
    exchanges: Object.assign(Object.create(null), exchanges),
    queues: Object.assign(Object.create(null), queues),
    events: Object.assign(Object.create(null), events),
    replies: Object.assign(Object.create(null), replies),
  };
}
