/** What is sent to whoever asked, once a request has ended. */
import { randomUUID } from "node:crypto";
import type { ConsumeMessage } from "amqplib";
import { HEADERS } from "../consume/incoming.ts";
import type { Cause } from "../host/host.ts";
import { isDirectReply } from "../publish/pending.ts";
import type { Outgoing, PublishOutcome } from "../publish/publisher.ts";

/**
 * The reply, or the error in its place: a problem document, with its reason in a header that no
 * answer has.
 *
 * @param end JSON that the handler returned, or why there is none.
 * @returns null: the request names nobody to reply to.
 */
export function replyTo(
  { properties }: ConsumeMessage,
  end: { readonly reply: string } | { readonly cause: Cause },
): Outgoing | null {
  const { replyTo: address, correlationId } = properties;
  if (typeof address !== "string" || address === "") return null;
  const isError = "cause" in end;
  return {
    exchange: "",
    routingKey: address,
    body: Buffer.from(isError ? problemOf(end.cause) : end.reply),
    properties: {
      // In a queue it may be delivered twice.
      messageId: isDirectReply({ exchange: "", routingKey: address }) ? null : randomUUID(),
      contentType: isError ? "application/problem+json" : "application/json",
      persistent: false,
      headers: isError ? { [HEADERS.reason]: end.cause.reason } : {},
      ...(typeof correlationId === "string" ? { correlationId } : {}),
    },
  };
}

/**
 * What becomes of a reply; null: it has to be sent again. Of one to a direct reply address nobody
 * learns whether somebody has it.
 */
export function fateOf(outcome: PublishOutcome): "sent" | "dropped" | null {
  switch (outcome.status) {
    case "confirmed":
      return "sent";
    case "unroutable":
    case "nacked":
    case "malformed":
    case "access-refused":
      return "dropped";
    default:
      return null;
  }
}

function problemOf({ reason, error, violations = [] }: Cause): string {
  return JSON.stringify({
    type: `urn:warren:problem:${reason}`,
    title: reason.charAt(0).toUpperCase() + reason.slice(1).replaceAll("-", " "),
    code: reason,
    detail: error,
    ...(violations.length === 0 ? {} : { violations }),
  });
}
