/** What a runner can't change while it runs. */
import { isDeepStrictEqual } from "node:util";
import { type Problem, quoted } from "../errors.ts";
import type { Topology } from "../topology.ts";

/**
 * One for each of project, broker, http and stores that is not what the runner started with; and for
 * each exclusive queue that would be another one: what its connection has can't be changed.
 */
export function restartProblems(started: Topology, wanted: Topology): readonly Problem[] {
  return [...ofSettings(started, wanted), ...ofQueues(started, wanted)];
}

function ofQueues(started: Topology, wanted: Topology): readonly Problem[] {
  return Object.values(wanted.queues).flatMap((queue) => {
    const before = started.queues[queue.name];
    if (!before || !(before.exclusive || queue.exclusive)) return [];
    const isSame = before.exclusive === queue.exclusive;
    if (isSame && isDeepStrictEqual(before.arguments, queue.arguments)) return [];
    const what = isSame ? "with other arguments" : queue.exclusive ? "exclusive" : "not exclusive";
    const message = `queue ${quoted(queue.name)} is ${what} now, and the runner has it otherwise`;
    return [{ code: "restart-needed", message, at: queue.at }];
  });
}

function ofSettings(started: Topology, wanted: Topology): readonly Problem[] {
  return (["project", "broker", "http", "stores"] as const)
    .filter((key) => !isDeepStrictEqual(fixed(started, key), fixed(wanted, key)))
    .map((key) => ({
      code: "restart-needed",
      message: `${key} is ${shown(wanted, key)} now, and the runner has ${shown(started, key)}`,
      at: wanted.places[key],
    }));
}

type Key = keyof Topology["places"];

/** What of it is in use; the broker's own timeout is for checks alone. */
function fixed({ project, broker, http, stores }: Topology, key: Key): unknown {
  const { addresses, heartbeatMs } = broker;
  return { project, broker: { addresses, heartbeatMs }, http, stores }[key];
}

function shown({ project, broker, http, stores }: Topology, key: Key): string {
  const { addresses, heartbeatMs } = broker;
  const urls = addresses.map((address) => address.shown).join(", ");
  return {
    project: JSON.stringify(project),
    broker: `${urls} with a heartbeat of ${heartbeatMs} ms`,
    http: `${http.host}:${http.port}`,
    stores: stores.idempotency?.shown ?? "memory",
  }[key];
}
