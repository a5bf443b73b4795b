import { expect, test } from "vitest";
import type { LiveQueue } from "../../../src/apply/live.ts";
import {
  compareExchange,
  comparePolicy,
  compareQueue,
  isSameValue,
} from "../../../src/apply/plan/compare.ts";
import type { Arguments, ArgumentValue } from "../../../src/topology.ts";
import { exchange, liveExchange, livePolicy, liveQueue, policy, queue } from "./given.ts";

const double = (value: number) => ({ "!": "double", value });
const bare: Arguments = Object.assign(Object.create(null), { a: 1, b: "2" });

test.each<[string, ArgumentValue, ArgumentValue, boolean]>([
  ["numbers are equal by value", 60_000, 60_000, true],
  ["a number is not the text of its digits", 60_000, "60000", false],
  ["a whole number is not the double of its value", 10, double(10), false],
  ["doubles are equal by value", 1.5, 1.5, true],
  ["a double is the double of its value", double(10), double(10), true],
  ["true is not the text", true, "true", false],
  ["tables are equal in any order", { a: 1, b: "2" }, { b: "2", a: 1 }, true],
  ["and whatever made them", { a: 1, b: "2" }, bare, true],
  ["a table with one key more differs", { a: 1 }, { a: 1, b: 2 }, false],
  ["a table with another key differs", { a: 1 }, { b: 1 }, false],
  ["lists are equal in their order alone", [1, "2"], ["2", 1], false],
  ["and are equal then", [1, { a: 1 }], [1, { a: 1 }], true],
  ["a list is not the table of its indices", [1], { 0: 1 }, false],
])("%s", (_, a, b, isSame) => {
  expect(isSameValue(a, b)).toBe(isSame);
  expect(isSameValue(b, a)).toBe(isSame);
});

test.each<[string, Arguments, Partial<LiveQueue>, object[]]>([
  ["a queue without a type is classic", {}, { arguments: { "x-queue-type": "classic" } }, []],
  ["also where the broker says none", { "x-queue-type": "classic" }, { arguments: {} }, []],
  [
    "another type is a difference",
    { "x-queue-type": "quorum" },
    { arguments: {} },
    [{ argument: "x-queue-type", wanted: '"quorum"', live: '"classic"' }],
  ],
  [
    "types are shown where they differ",
    { "x-message-ttl": 60_000 },
    { arguments: { "x-message-ttl": "60000" } },
    [{ argument: "x-message-ttl", wanted: "60000 (long)", live: '"60000" (longstr)' }],
  ],
  [
    "a whole double too",
    { "x-max-length": 10 },
    { arguments: { "x-max-length": double(10) } },
    [{ argument: "x-max-length", wanted: "10 (long)", live: "10.0 (double)" }],
  ],
  [
    "values of one type are shown without it",
    { "x-message-ttl": 3_600_000 },
    { arguments: { "x-message-ttl": 7_200_000 } },
    [{ argument: "x-message-ttl", wanted: "3600000", live: "7200000" }],
  ],
  [
    "what is absent is none",
    { "x-max-length": 5 },
    { arguments: { "x-overflow": "drop-head" } },
    [
      { argument: "x-max-length", wanted: "5", live: "none" },
      { argument: "x-overflow", wanted: "none", live: '"drop-head"' },
    ],
  ],
  [
    "an argument that no broker compares is compared",
    { "x-mesage-ttl": 5 },
    { arguments: { "x-mesage-ttl": 6 } },
    [{ argument: "x-mesage-ttl", wanted: "5", live: "6" }],
  ],
  [
    "flags are compared: every queue is durable, shared and stays",
    {},
    { arguments: {}, durable: false, autoDelete: true, exclusive: true },
    [
      { argument: "durable", wanted: "true", live: "false" },
      { argument: "auto_delete", wanted: "false", live: "true" },
      { argument: "exclusive", wanted: "false", live: "true" },
    ],
  ],
])("of a queue: %s", (_, wanted, live, differences) => {
  expect(compareQueue(queue("q", { arguments: wanted }), liveQueue("q", live))).toEqual(
    differences,
  );
});

test("an exchange is compared with all its arguments, of which the server compares one", () => {
  const wanted = exchange("x", {
    type: "x-consistent-hash",
    internal: true,
    arguments: { "hash-header": "id", "alternate-exchange": "a" },
  });
  const live = liveExchange("x", {
    durable: false,
    autoDelete: true,
    arguments: { "hash-header": "user", "alternate-exchange": "a" },
  });
  expect(compareExchange(wanted, live)).toEqual([
    { argument: "type", wanted: "x-consistent-hash", live: "topic" },
    { argument: "durable", wanted: "true", live: "false" },
    { argument: "auto_delete", wanted: "false", live: "true" },
    { argument: "internal", wanted: "true", live: "false" },
    { argument: "hash-header", wanted: '"id"', live: '"user"' },
  ]);
});

test("a policy is compared with its pattern, target, priority and every key of its definition", () => {
  const live = livePolicy("p", {
    pattern: "q",
    applyTo: "all",
    priority: 1,
    definition: { "message-ttl": 1 },
  });
  expect(comparePolicy(policy("p"), livePolicy("p"))).toEqual([]);
  expect(comparePolicy(policy("p"), live)).toEqual([
    { argument: "pattern", wanted: "^q$", live: "q" },
    { argument: "apply-to", wanted: "queues", live: "all" },
    { argument: "priority", wanted: "0", live: "1" },
    { argument: "max-length", wanted: "5", live: "none" },
    { argument: "message-ttl", wanted: "none", live: "1" },
  ]);
});
