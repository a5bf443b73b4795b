import type { ConsumeMessage } from "amqplib";
import { expect, test } from "vitest";
import { countedCopy, deadCopy, retryCopy } from "../../../src/runtime/consume/copies.ts";
import { readIncoming } from "../../../src/runtime/consume/incoming.ts";

const first = { at: "2026-01-02T03:04:05.678Z", error: "Error: the first" };
const cause = { reason: "handler-failed", error: "Error: the last" } as const;

/** As it comes to `work` by this exchange, with headers of warren's. */
function messageBy(exchange: string): ConsumeMessage {
  const headers = {
    "x-warren-attempt": 2,
    "x-warren-first-failed-at": first.at,
    "x-warren-first-error": first.error,
  };
  return {
    content: Buffer.from("{}"),
    fields: { exchange, routingKey: "work", redelivered: true, deliveryTag: 1, consumerTag: "c" },
    properties: { messageId: "m", headers },
  } as unknown as ConsumeMessage;
}

test("every copy of a message that came back carries its first failure", () => {
  const raw = messageBy("warren.test.requeue");
  const incoming = readIncoming(raw, "work", "test");
  const to = { exchange: "dead", key: "work" };
  const copies = [
    countedCopy(raw, incoming, "test"),
    retryCopy(raw, incoming, { project: "test", delayMs: 1_000, cause }),
    deadCopy(raw, incoming, { to, cause }),
  ];
  expect(incoming).toMatchObject({ attempt: 2, firstFailure: first });
  for (const { properties } of copies) {
    expect(properties.headers).toMatchObject({
      "x-warren-first-failed-at": first.at,
      "x-warren-first-error": first.error,
    });
  }
});

test("of a message that came by any other exchange no first failure is believed", () => {
  const raw = messageBy("jobs");
  const incoming = readIncoming(raw, "work", "test");
  expect(incoming).toMatchObject({ attempt: 1, firstFailure: null });
  const { headers } = countedCopy(raw, incoming, "test").properties;
  expect(headers).not.toHaveProperty("x-warren-first-error");
});
