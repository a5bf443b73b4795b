import { stripVTControlCharacters } from "node:util";
import { expect, test } from "vitest";
import { formatPlan } from "../../../src/apply/plan/format.ts";
import {
  binding,
  exchange,
  type Given,
  liveBinding,
  liveExchange,
  liveOf,
  liveQueue,
  planOf,
  queue,
  stateOf,
} from "./given.ts";
import { exampleOf, rich } from "./rich.ts";

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
  // Its example in the docs is this one.
  expect(textOf(rich)).toBe(exampleOf("text"));
});

test("names that a terminal would obey are shown, not obeyed", () => {
  const given: Given = {
    desired: { exchanges: [exchange("x")] },
    live: [liveExchange("x"), liveQueue("red\u001b[31m"), liveBinding("x", "red\u001b[31m", "\n")],
  };
  expect(textOf(given)).toContain("  · queue     red\\x1b[31m  not ours, left alone\n");
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
