/** A plan with something of everything: for what is made of it, as text and as JSON. */
import { readFileSync } from "node:fs";
import {
  binding,
  empty,
  exchange,
  type Given,
  liveBinding,
  liveExchange,
  livePolicy,
  liveQueue,
  policy,
  queue,
} from "./given.ts";

const line = (number: number) => ({ file: "topology.yaml", line: number, column: 3 });
const ttl = (ms: number) => ({ "x-queue-type": "quorum", "x-message-ttl": ms });
const ordered = { "x-queue-type": "quorum", "x-single-active-consumer": true };
const refunded = liveBinding("orders", "orders.billing", "order.refunded");

export const rich: Given = {
  desired: {
    exchanges: [
      exchange("orders", { at: line(15), arguments: { "alternate-exchange": "unrouted" } }),
      exchange("unrouted", { at: line(19), type: "fanout" }),
      exchange("docs", { at: line(20), type: "headers" }),
    ],
    queues: [
      queue("orders.audit", { at: line(35), arguments: ordered }),
      queue("orders.billing", { at: line(39) }),
      queue("notify.email", { at: line(43), arguments: ttl(3_600_000) }),
    ],
    bindings: [
      binding("orders", "orders.audit", "#", { at: line(36) }),
      binding("docs", "orders.audit", "", {
        at: line(37),
        arguments: { "x-match": "all", type: "pdf", pages: 5 },
      }),
    ],
    policies: [policy("billing", { at: line(50), pattern: "^orders\\.", priority: 1 })],
  },
  live: [
    liveExchange("orders"),
    liveExchange("docs", { type: "headers" }),
    liveExchange("archive"),
    liveQueue("orders.billing"),
    liveQueue("notify.email", {
      arguments: ttl(7_200_000),
      counts: { ready: 1_204, unacked: 3, messages: 1_207, consumers: 2, foreignConsumers: 0 },
    }),
    liveQueue("notify.sms", {
      counts: { ...empty, ready: 12, messages: 14, consumers: 1, foreignConsumers: 1 },
    }),
    liveQueue("notify.fax"),
    liveQueue("legacy.import"),
    refunded,
    liveBinding("orders", "legacy.import", "order.placed"),
    liveBinding("orders", "orders.billing", "order.returned"),
    livePolicy("all queues", {
      pattern: ".*",
      priority: 3,
      definition: { "queue-mode": "lazy" },
    }),
  ],
  owned: {
    exchanges: ["orders", "docs"],
    queues: ["orders.billing", "notify.email", "notify.sms", "notify.fax"],
    bindings: [refunded],
    policies: ["billing"],
  },
};

/** The example of docs/plan.md in this language. */
export function exampleOf(language: "text" | "json"): string {
  const docs = readFileSync(new URL("../../../docs/plan.md", import.meta.url), "utf8");
  return new RegExp(`^\`\`\`${language}\\n([^]*?)\\n?\`\`\`$`, "m").exec(docs)?.[1] ?? "";
}
