import { expect, test } from "vitest";
import { readComplaint } from "../../src/apply/inspect/differences.ts";
import { delayName } from "../../src/apply/objects.ts";

test.each([
  [
    "inequivalent arg 'x-message-ttl' for queue 'q' in vhost '/': received '10' but current is '11'",
    { argument: "x-message-ttl", live: { printed: "11", type: null } },
  ],
  [
    "inequivalent arg 'x-message-ttl' for queue 'q' in vhost '/': received none but current is the value '10' of type 'long'",
    { argument: "x-message-ttl", live: { printed: "10", type: "long" } },
  ],
  [
    "inequivalent arg 'x-max-length' for queue 'it's' in vhost 'v': received the value '10' of type 'long' but current is none",
    { argument: "x-max-length", live: null },
  ],
  [
    "inequivalent arg 'x-dead-letter-exchange' for queue 'q' in vhost '/': received 'x' but current is 'a'b, c'",
    { argument: "x-dead-letter-exchange", live: { printed: "a'b, c", type: null } },
  ],
  ["invalid arg 'x-max-priority' for queue 'q' in vhost '/'", null],
])("reads %s", (text, expected) => {
  expect(readComplaint(text)).toEqual(expected);
});

test.each([
  [1, "1ms"],
  [500, "500ms"],
  [1_500, "1500ms"],
  [90_000, "90s"],
  [120_000, "2m"],
  [3_600_000, "1h"],
])("%i ms is named %s", (delayMs, name) => {
  expect(delayName(delayMs)).toBe(name);
});
