/** Where the messages of a queue go that ended without being handled, and which of them vanish. */
import { MatchedPolicies } from "../loader/lint/matched.ts";
import { valueInForce } from "../loader/lint/settings.ts";
import { formatQuantity } from "../loader/units.ts";
import { NUMBERS } from "../numbers.ts";
import { eventsOfQueue } from "../routing/events.ts";
import { reachable } from "../routing/reach.ts";
import { type ArgumentValue, EMBEDDED, type Queue, type Topology } from "../topology.ts";

export type LetterWay = {
  /** warren sends a copy, and acknowledges once it is confirmed. */
  readonly by: "warren" | "broker";
  /** The reason as it stands in the dead letter's headers, and when it comes to that. */
  readonly causes: readonly Cause[];
  /** `key` null: each with the one that it had; `to` null: nowhere. */
  readonly to: { readonly exchange: string; readonly key: string | null } | null;
  readonly queues: readonly string[];
};
/** `when` in words. */
export type Cause = { readonly reason: string; readonly when: string };

/** The ways of a queue's dead letters; none of what the broker does with an external queue. */
export function deadLettersOf(topology: Topology, queue: Queue): readonly LetterWay[] {
  const byWarren: readonly LetterWay[] =
    queue.handler === null
      ? []
      : [
          wayOf(
            topology,
            "warren",
            warrenCauses(topology, queue),
            queue.acksOnDelivery ? null : queue.deadLetter,
          ),
        ];
  // A stream keeps what it has, read or not, and an external queue is not declared.
  if (queue.type === "stream" || queue.external) return byWarren;
  const settings = settingsOf(topology, queue);
  const exchange = settings("dead-letter-exchange");
  const key = settings("dead-letter-routing-key");
  const to =
    typeof exchange === "string" ? { exchange, key: typeof key === "string" ? key : null } : null;
  return [...byWarren, wayOf(topology, "broker", brokerCauses(queue, settings), to)];
}

/** Every way in which a message can vanish without being handled, a sentence each. */
export function lossesOf(topology: Topology, queue: Queue): readonly string[] {
  const settings = settingsOf(topology, queue);
  const losses = deadLettersOf(topology, queue).flatMap((way) => lossesOn(way, settings));
  const expires = settings("expires");
  const maxAge = settings("max-age");
  if (typeof expires === "number") {
    losses.push(
      `the queue with all that is in it, when nobody has used it for ${duration(expires)}`,
    );
  }
  if (queue.autoDelete) {
    losses.push("the queue with all that is in it, when its last consumer leaves");
  }
  if (queue.exclusive) {
    losses.push("the queue with all that is in it, when the connection that consumes it ends");
  }
  if (queue.acksOnDelivery) losses.push("what is being handled, when the runner dies");
  if (typeof maxAge === "string") losses.push(`what has been in the stream for ${maxAge}`);
  if (queue.type === "stream" && settings("max-length-bytes") !== undefined) {
    losses.push(`the oldest of the stream, beyond ${settings("max-length-bytes")} bytes`);
  }
  if (queue.external) losses.push("nothing more is known: the queue is external, and not declared");
  else if (queue.type === "classic") {
    losses.push("what was published as transient (delivery_mode 1), when the broker restarts");
  }
  const isEmbedded = topology.broker.addresses.some(({ url }) => url === EMBEDDED);
  if (isEmbedded) losses.push("everything, when the embedded broker ends");
  return losses;
}

/** A setting in force, by its name without `x-`. */
type Settings = (name: string) => ArgumentValue | undefined;

function settingsOf({ policies }: Topology, queue: Queue): Settings {
  const policy = new MatchedPolicies(policies).ofQueue(queue)[0] ?? null;
  return (name) => valueInForce(queue, policy, name);
}

function wayOf(
  topology: Topology,
  by: LetterWay["by"],
  causes: readonly Cause[],
  to: LetterWay["to"],
): LetterWay {
  return { by, causes, to, queues: to === null ? [] : targetsOf(topology, to).sort() };
}

function targetsOf(topology: Topology, { exchange, key }: NonNullable<LetterWay["to"]>): string[] {
  if (exchange !== "") return [...reachable(topology, exchange, key)];
  return key !== null && topology.queues[key] !== undefined ? [key] : [];
}

/** The name that a timeout has for `retryOn` and `rejectOn`. */
const TIMEOUT = "handler-timeout";

function warrenCauses(topology: Topology, queue: Queue): readonly Cause[] {
  const failures = failuresOf(topology, queue);
  if (!queue.rpc) return failures;
  const when = "when it has waited in the runner for all of its own expiration";
  return [...failures, { reason: "expired", when }];
}

/** Why a message that a handler was to have is not handled: of a request, its caller is told so. */
export function failuresOf(topology: Topology, queue: Queue): readonly Cause[] {
  const { retryOn, rejectOn } = queue;
  const last = `at attempt ${queue.retryDelaysMs.length + 1}`;
  const isPicked = queue.retryDelaysMs.length > 0 && (retryOn !== null || rejectOn.length > 0);
  const failed = isPicked ? `${last}, or at once where it is not retried` : last;
  const isTimed = !rejectOn.includes(TIMEOUT) && (retryOn?.includes(TIMEOUT) ?? true);
  const crashes = topology.worker.maxCrashes;
  const isTyped = eventsOfQueue(topology, queue.name) !== null;
  return [
    { reason: "handler-failed", when: failed },
    { reason: TIMEOUT, when: `${isTimed ? last : "at once"}, after ${duration(queue.timeoutMs)}` },
    { reason: "rejected", when: "at once" },
    { reason: "undecodable", when: "at once" },
    ...(isTyped
      ? [
          { reason: "invalid-event", when: "at once" },
          { reason: "unexpected-event", when: "at once" },
        ]
      : []),
    ...(queue.idempotency?.missing === "reject"
      ? [{ reason: "no-idempotency-key", when: "at once" } as const]
      : []),
    { reason: "handler-crash", when: `at crash ${crashes} of its thread` },
  ];
}

function brokerCauses({ type, handler }: Queue, settings: Settings): readonly Cause[] {
  const ttl = settings("message-ttl");
  const isBounded =
    settings("max-length") !== undefined || settings("max-length-bytes") !== undefined;
  const overflow = settings("overflow") ?? "drop-head";
  // What parked queues are given is as good as none.
  const isCounted =
    type === "quorum" && Number(settings("delivery-limit") ?? 0) < NUMBERS.parkedDeliveryLimit;
  const waited = typeof ttl === "number" ? `after ${duration(ttl)} in the queue, or ` : "";
  return [
    { reason: "expired", when: `${waited}at the message's own expiration` },
    ...(isBounded && overflow === "drop-head"
      ? [{ reason: "maxlen", when: "the oldest, when the queue is full" }]
      : []),
    ...(isBounded && overflow === "reject-publish-dlx"
      ? [{ reason: "maxlen", when: "the new one, when the queue is full" }]
      : []),
    ...(isCounted ? [{ reason: "delivery_limit", when: deliveries(settings) }] : []),
    ...(handler === null
      ? [{ reason: "rejected", when: "when a consumer rejects it without requeue" }]
      : []),
  ];
}

function deliveries(settings: Settings): string {
  const limit = settings("delivery-limit");
  return limit === undefined
    ? "after 20 returns to the queue since RabbitMQ 4.0, never before"
    : `after ${limit} returns to the queue`;
}

function lossesOn({ by, causes, to, queues }: LetterWay, settings: Settings): string[] {
  const reasons = causes.map(({ reason }) => reason).join(", ");
  const isKept =
    by === "warren" ||
    (settings("dead-letter-strategy") === "at-least-once" &&
      settings("overflow") === "reject-publish");
  if (to === null) {
    return by === "warren"
      ? [`what ends so is dropped, with an error in the log: ${reasons}`]
      : [`what ends so is deleted by the broker: ${reasons}`];
  }
  if (isKept) return [];
  return queues.length === 0
    ? [`what the broker dead-letters: nothing takes it (${reasons})`]
    : [`what the broker dead-letters, if the queue that is to take it can't: it is sent once`];
}

function duration(ms: number): string {
  return formatQuantity("duration", ms);
}
