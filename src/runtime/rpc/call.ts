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
import type { CallOutcome, Reply, RpcClient } from "./client.ts";

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
    const composed =
      checkTimeout(timeoutMs) ?? composeMessage(parts, request, { messageId, persistent });
    if (!composed.ok) return { ...composed, messageId };
    const { message } = composed;
    const refusal = checkCallable(topology, message) ?? (await checkKey(parts, composed));
    if (refusal) return { ...refusal, messageId };
    return answerOf(await client.call(message, timeoutMs), messageId);
  };
}

function answerOf(outcome: CallOutcome, messageId: string): Called {
  if (outcome.status !== "replied") {
    return { ...refuse(outcome.status, outcome.message), messageId };
  }
  const { body, reason } = outcome;
  if (reason !== null) return { ...failed(outcome), messageId, reason };
  const decoded = decodeJson(body);
  if (decoded.ok) return { ok: true, messageId, reply: body.toString("utf8") };
  return { ...refuse("rpc-failed", `no JSON came back: ${decoded.message}`), messageId };
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
