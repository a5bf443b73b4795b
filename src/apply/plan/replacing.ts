/** What replacing a queue costs, and what forbids it. */

import { counted } from "../../counted.ts";
import { NUMBERS } from "../../numbers.ts";
import type { LiveQueue } from "../live.ts";
import type { DesiredQueue } from "../objects.ts";
import type { Blocked, Difference, Flag } from "../planned.ts";
import { migratingQueue } from "../replace/journal.ts";
import { listed } from "./entry.ts";
import { policyOf } from "./policy-match.ts";
import { queueTypeOf } from "./queue-type.ts";
import { liveQueues, type Scene } from "./scene.ts";

const ORDERED = "x-single-active-consumer";

/** Why it is not replaced, and the flags that would allow it; null: it is. */
export function obstacleTo(scene: Scene, desired: DesiredQueue, live: LiveQueue): Blocked | null {
  const reason = absoluteObstacle(scene, desired, live);
  if (reason !== null) return { reason, flags: [] };
  const { allowReplace, adopt } = scene.permissions;
  const isOurs = scene.ours.queues.has(live.name);
  const reasons = [
    ...(allowReplace ? [] : ["a queue is replaced on demand alone"]),
    ...(isOurs || adopt ? [] : ["it was made by somebody else"]),
  ];
  const flags: readonly Flag[] = [
    ...(allowReplace ? [] : ["--allow-replace" as const]),
    ...(isOurs || adopt ? [] : ["--adopt" as const]),
  ];
  return flags.length === 0 ? null : { reason: reasons.join(", and "), flags };
}

/** What no flag allows. */
function absoluteObstacle(scene: Scene, desired: DesiredQueue, live: LiveQueue): string | null {
  if (live.exclusive) return "it is exclusive to another connection, and goes with that";
  if (live.autoDelete) return "it is auto-delete: the broker removes it with its last consumer";
  if (!live.durable) return "it is not durable: its messages do not outlive the broker's restart";
  const types = [queueTypeOf(live), queueTypeOf(desired)];
  if (types.includes("stream")) return "a stream's messages cannot be moved";
  if (isOrdered(live)) return "its messages are handled in order, which a move would not keep";
  return (
    temporaryObstacle(scene, desired, live) ??
    (scene.live.by === "amqp" ? unseenObstacle(scene, live) : consumerObstacle(live)) ??
    roomObstacle(desired, live)
  );
}

/** Of a policy, what makes a queue drop, refuse or end what it is to keep. */
const HARMFUL = ["max-length", "max-length-bytes", "expires"];

/** What speaks against the queue that holds its messages meanwhile. */
function temporaryObstacle(scene: Scene, desired: DesiredQueue, live: LiveQueue): string | null {
  const name = migratingQueue(live.name);
  if (Buffer.byteLength(name) > NUMBERS.maxNameBytes) {
    return `its name leaves no room for that of "${migratingQueue("…")}", which holds its messages meanwhile`;
  }
  if (scene.live.queues.has(name)) return `there is a queue "${name}", and nobody knows whose`;
  const policy = policyOf(scene, { kind: "queue", name, type: queueTypeOf(desired) });
  const harmful = HARMFUL.filter((key) => policy?.definition[key] !== undefined);
  if (!policy || harmful.length === 0) return null;
  return `policy "${policy.name}" (${listed(harmful)}) would apply to "${name}", which holds its messages meanwhile: narrow its pattern`;
}

/** Without a consumer nothing would make room. */
function roomObstacle(desired: DesiredQueue, { counts }: LiveQueue): string | null {
  const limit = desired.arguments["x-max-length"];
  if (typeof limit !== "number" || counts.consumers !== 0 || counts.ready <= limit) return null;
  return `it holds ${counted(counts.ready, "message")}, nobody consumes it, and the new one is to hold ${limit}`;
}

function consumerObstacle({ counts: { consumers, foreignConsumers } }: LiveQueue): string | null {
  if (foreignConsumers === null && consumers !== 0) {
    return "whose its consumers are can't be seen: the user of broker.management needs the tag monitoring";
  }
  if (!foreignConsumers) return null;
  return `${counted(foreignConsumers, "consumer")} of others: end ${foreignConsumers === 1 ? "it" : "them"} first`;
}

/** Over AMQP alone neither unacknowledged messages nor bindings can be seen. */
function unseenObstacle(
  { ours }: Scene,
  { name, arguments: given, counts: { consumers } }: LiveQueue,
): string | null {
  if (consumers !== 0) {
    const many =
      consumers === null ? "consumers that nobody can count" : counted(consumers, "consumer");
    return `${many}: over AMQP alone what they have not acknowledged can't be seen; end them, or give broker.management`;
  }
  if (given["x-dead-letter-strategy"] === "at-least-once") {
    return "over AMQP alone the dead letters that it may hold can't be seen: give broker.management";
  }
  if (ours.queues.has(name)) return null;
  return "over AMQP alone the bindings that others gave it can't be seen: give broker.management";
}

/** How to get there where it can't be replaced. */
export function recipeFor(desired: DesiredQueue, live: LiveQueue): readonly string[] {
  if (live.exclusive) return [];
  if (isOrdered(live)) {
    return [
      "1. stop those who publish to it, and wait until it is empty",
      "2. delete it, and apply: it is declared anew",
    ];
  }
  if ([queueTypeOf(live), queueTypeOf(desired)].includes("stream")) {
    return [
      `declare it under a new name: its readers go on with "${live.name}" until they have read it`,
    ];
  }
  if (live.autoDelete || !live.durable) {
    return ["delete it once it is empty and unused, and apply: it is declared anew"];
  }
  return [];
}

/** What it costs, as far as that can be known. */
export function costNotes(
  scene: Scene,
  desired: DesiredQueue,
  live: LiveQueue,
  differences: readonly Difference[],
): readonly string[] {
  const deadLetters =
    scene.live.by === "amqp" ? "not visible over AMQP" : listed(deadLettersHere(scene, live.name));
  return [
    ...onlineNotes(scene, desired, live, differences),
    "replace = 9 steps, no loss, messages may be delivered twice",
    `dead-letters here by name: ${deadLetters || "none"}.  publishes by name: not knowable`,
    // Of every type: the broker confirms what reaches a queue while it is deleted.
    "a message published by name in the instant of the replacement can be lost, though confirmed",
    ...(isOrdered(desired)
      ? ["messages that are there already, or come meanwhile, may change their order"]
      : []),
    ...(scene.live.by === "amqp"
      ? ["bindings that others gave it can't be seen over AMQP, and would be lost"]
      : []),
  ];
}

/** The queues and policies that dead-letter to this queue through the default exchange. */
function deadLettersHere(scene: Scene, name: string): readonly string[] {
  const queues = liveQueues(scene).filter(
    ({ arguments: given }) =>
      given["x-dead-letter-exchange"] === "" && given["x-dead-letter-routing-key"] === name,
  );
  const policies = (scene.live.policies ?? []).filter(
    ({ definition }) =>
      definition["dead-letter-exchange"] === "" && definition["dead-letter-routing-key"] === name,
  );
  return [...queues.map((queue) => queue.name), ...policies.map((one) => `policy ${one.name}`)];
}

/** Of a policy and an argument the lower number counts, so a policy can lower these while it runs. */
const LOWERED = ["x-message-ttl", "x-expires", "x-max-length", "x-max-length-bytes"];

function onlineNotes(
  { live: { policies } }: Scene,
  desired: DesiredQueue,
  live: LiveQueue,
  differences: readonly Difference[],
): readonly string[] {
  const isLowered = ({ argument }: Difference) => {
    const [wanted, current] = [desired.arguments[argument], live.arguments[argument]];
    if (!LOWERED.includes(argument) || typeof wanted !== "number") return false;
    return current === undefined || (typeof current === "number" && wanted < current);
  };
  if (policies === null || !differences.every(isLowered)) return [];
  const settings = differences.map(
    ({ argument }) => `${argument.slice(2)}: ${desired.arguments[argument]}`,
  );
  return [
    `without a replacement: leave the file as the broker is, and add a policy with { ${settings.join(", ")} }`,
  ];
}

function isOrdered({ arguments: given }: DesiredQueue | LiveQueue): boolean {
  return given[ORDERED] === true;
}
