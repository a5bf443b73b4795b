/** The one way by which HTTP and handlers call. */
import { randomUUID } from "node:crypto";
import { decodeJson } from "../../events/json.ts";
import type { EventReader } from "../../events/reader.ts";
import { NUMBERS } from "../../numbers.ts";
import { route } from "../../routing/route.ts";
import type { Topology } from "../../topology.ts";
import { oneLine } from "../host/thread/cause.ts";
import { malformed, type PublishRequest, type Refusal, refuse } from "../publish/address.ts";
import { checkKey, composeMessage, type Parts as PublishParts } from "../publish/publish.ts";
import type { Outgoing } from "../publish/publisher.ts";
import type { Reply, RpcClient } from "./client.ts";

export type CallRequest = Omit<
  Extract<PublishRequest, { readonly exchange: string }>,
  "correlationId" | "expirationMs"
> & {
  /** For the reply, in milliseconds. */
  readonly timeoutMs: number;
};

/**
 * `reply` is JSON. Of `no-reply` and `outcome-unknown` nobody knows whether the request was handled;
 * `reason`, of `rpc-failed`: why it was not, as the handler's side says it.
 */
export type Called =
  | { readonly ok: true; readonly messageId: string; readonly reply: string }
  | (Refusal & { readonly messageId: string; readonly reason?: string });

type Parts = {
  readonly topology: Topology;
  readonly reader: EventReader;
  readonly client: Pick<RpcClient, "call">;
  readonly isReused: PublishParts["isReused"];
};

/** Calls what has passed every check; the result never rejects but for a bug. */
export function createCall(parts: Parts): (request: CallRequest) => Promise<Called> {
  const { topology, client } = parts;
  return async (request) => {
    const { timeoutMs, persistent = false } = request;
    const messageId = request.messageId ?? randomUUID();
    const fail = (refusal: Refusal) => ({ ...refusal, messageId });
    const mistake = checkTimeout(timeoutMs);
    if (mistake) return fail(mistake);
    const composed = composeMessage(parts, { ...request, persistent }, messageId);
    if (!composed.ok) return fail(composed);
    const { message } = composed;
    const uncallable = checkCallable(topology, message);
    if (uncallable) return fail(uncallable);
    const reused = await checkKey(parts, composed);
    if (reused) return fail(reused);
    const outcome = await client.call(message, timeoutMs);
    if (outcome.status !== "replied") return fail(refuse(outcome.status, outcome.message));
    if (outcome.reason !== null) return { ...fail(failed(outcome)), reason: outcome.reason };
    const decoded = decodeJson(outcome.body);
    if (!decoded.ok) return fail(refuse("rpc-failed", `no JSON came back: ${decoded.message}`));
    return { ok: true, messageId, reply: outcome.body.toString("utf8") };
  };
}

function checkTimeout(timeoutMs: number): Refusal | null {
  if (timeoutMs > 0 && timeoutMs <= NUMBERS.maxCallTimeoutMs) return null;
  const message = `must be a number of milliseconds, at most ${NUMBERS.maxCallTimeoutMs}`;
  return malformed([{ pointer: "/timeout", message }]);
}

/** Of several replies one would be taken, and nobody could say whose. */
function checkCallable(
  topology: Topology,
  { exchange, routingKey, properties }: Outgoing,
): Refusal | null {
  const { queues } = route(topology, exchange, routingKey, properties.headers);
  const replying = queues.filter((queue) => topology.queues[queue]?.rpc);
  if (replying.length === 1) return null;
  const where = `exchange ${JSON.stringify(exchange)} with key ${JSON.stringify(routingKey)}`;
  const found =
    replying.length === 0
      ? "leads to no queue that replies"
      : `leads to ${replying.length} queues that reply: ${replying.join(", ")}`;
  return refuse("not-callable", `${where} ${found}`);
}

function failed({ reason, body }: Reply): Refusal {
  return refuse("rpc-failed", oneLine(`${reason}: ${detailOf(body)}`));
}

function detailOf(body: Buffer): string {
  try {
    const { detail } = JSON.parse(body.toString("utf8")) as { readonly detail?: unknown };
    return typeof detail === "string" ? detail : "";
  } catch {
    return "";
  }
}
