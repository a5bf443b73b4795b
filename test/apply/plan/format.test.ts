import { stripVTControlCharacters } from "node:util";
import { expect, test } from "vitest";
import { formatPlan } from "../../../src/apply/plan/format.ts";
import {
  binding,
  exchange,
  type Given,
  liveExchange,
  liveOf,
  liveQueue,
  planOf,
  queue,
  stateOf,
} from "./given.ts";
import { rich } from "./rich.ts";

function textOf(given: Given, { color = false, unseen = [] as readonly string[] } = {}) {
  const live = { ...liveOf(given), unseen };
  return formatPlan(planOf(given), {
    vhost: "/",
    live,
    state: stateOf(given),
    tookMs: 38.2,
    color,
  });
}

test("a plan names everything that is done, why it is not, and which flag allows it", () => {
  expect(`\n${textOf(rich)}\n`).toBe(`
shop  vhost /  rabbitmq 3.10.8 at amqp://guest@127.0.0.1:5672  state: generation 14, 2026-08-20 18:02 UTC by ci@runner-3  (management API, read 14 objects in 38 ms)

  ! exchange  orders                                                              topology.yaml:15
      alternate-exchange  none -> "unrouted"
      blocked: cannot be changed in place
      an alternate exchange can be given while it runs: leave it in the file, and add under policies:
      "orders-alternate": { pattern: "^orders$", applyTo: exchanges, definition: { alternate-exchange: "unrouted" } }
  + exchange  unrouted                  fanout                                    topology.yaml:19
  + queue     orders.audit              quorum, single active consumer            topology.yaml:35
  + binding   orders -> orders.audit    #                                         topology.yaml:36
  + binding   docs -> orders.audit      {"x-match":"all","type":"pdf","pages":5}  topology.yaml:37
  + policy    billing                   queues ^orders\\., priority 1              topology.yaml:50
      has no effect where policy "all queues" (priority 3) matches: queue orders.billing, queue orders.audit
-/+ queue     notify.email              cannot be changed in place                topology.yaml:43
      x-message-ttl  7200000 -> 3600000
      1 204 ready, 3 unacked, 2 consumers (ours)
      blocked: a queue is replaced on demand alone; needs --allow-replace
      without a replacement: leave the file as the broker is, and add a policy with { message-ttl: 3600000 }
      replace = 9 steps, no loss, messages may be delivered twice
      dead-letters here by name: none.  publishes by name: not knowable
      a message published by name in the instant of the replacement can be lost, though confirmed
  - binding   orders -> orders.billing  order.refunded                            (in state 14, not in the file)
  - queue     notify.sms                                                          (in state 14, not in the file)
      12 ready, 0 unacked, 2 dead letters held, 1 consumer (1 of others)
      kept: not empty: it holds 14 messages
  - queue     notify.fax                                                          (in state 14, not in the file)
      0 ready, 0 unacked, 0 consumers
      blocked: made by warren, not in the file; needs --prune
  · binding   orders -> orders.billing  order.returned
  · queue     legacy.import             not ours, left alone
      bound from orders, 1 key
  · queue     legacy\\x1b[31m            not ours, left alone
      bound from docs, 1 key

  Plan: 5 to add, 1 to replace, 2 to remove, 1 kept, 1 in conflict, 3 not ours, 2 unchanged.
  Blocked: 1 conflict, 1 replace (needs --allow-replace), 1 kept, 1 removal (needs --prune).
  Not listed: 1 exchange of others, which touch nothing here.
`);
});

test("with colours it says the same", () => {
  const colored = textOf(rich, { color: true });
  expect(colored).not.toBe(textOf(rich));
  expect(stripVTControlCharacters(colored)).toBe(textOf(rich));
});

test("a plan without differences says so", () => {
  const given: Given = {
    desired: { queues: [queue("q")] },
    live: [liveQueue("q"), liveQueue("theirs")],
  };
  expect(textOf(given)).toBe(
    [
      "shop  vhost /  rabbitmq 3.10.8 at amqp://guest@127.0.0.1:5672  state: none  (management API, read 2 objects in 38 ms)",
      "",
      "  Nothing to do: the broker has what the file says (1 unchanged).",
      "  Not listed: 1 queue of others, which touch nothing here.",
    ].join("\n"),
  );
});

test("over AMQP alone it says what it did not look at", () => {
  const given: Given = {
    by: "amqp",
    desired: {
      exchanges: [exchange("x")],
      queues: [queue("q")],
      bindings: [binding("x", "q", "a")],
    },
    live: [liveExchange("x"), liveQueue("q")],
    owned: { exchanges: ["x"], queues: ["q"], bindings: [binding("x", "q", "a")] },
  };
  expect(textOf(given, { unseen: ["bindings: AMQP can't list them"] })).toBe(
    [
      "shop  vhost /  rabbitmq 3.10.8 at amqp://guest@127.0.0.1:5672  state: generation 14, 2026-08-20 18:02 UTC by ci@runner-3  (AMQP alone, read 2 objects in 38 ms)",
      "  not looked at: bindings: AMQP can't list them",
      "",
      "  Nothing to do: the broker has what the file says (2 unchanged, 1 made sure of).",
    ].join("\n"),
  );
});
