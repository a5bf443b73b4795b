import { expect, test } from "vitest";
import {
  type Declaration,
  readComplaint,
  resolveLive,
} from "../../../src/apply/inspect/resolve.ts";

test.each([
  [
    "inequivalent arg 'x-message-ttl' for queue 'q' in vhost '/': received '10' but current is '11'",
    { argument: "x-message-ttl", live: "11" },
  ],
  [
    "inequivalent arg 'x-message-ttl' for queue 'q' in vhost '/': received none but current is the value '10' of type 'long'",
    { argument: "x-message-ttl", live: "10" },
  ],
  [
    "inequivalent arg 'x-max-length' for queue 'it's' in vhost 'v': received the value '10' of type 'long' but current is none",
    { argument: "x-max-length", live: null },
  ],
  [
    "inequivalent arg 'x-dead-letter-exchange' for queue 'q' in vhost '/': received 'x' but current is 'a'b, c'",
    { argument: "x-dead-letter-exchange", live: "a'b, c" },
  ],
  [
    "inequivalent arg 'type' for exchange 'x' in vhost '/': received 'topic' but current is 'direct'",
    { argument: "type", live: "direct" },
  ],
  ["invalid arg 'x-max-priority' for queue 'q' in vhost '/'", null],
])("reads %s", (text, expected) => {
  expect(readComplaint(text)).toEqual(expected);
});

const wanted: Declaration = { flags: { durable: true }, arguments: { a: 1 } };
const complaint = (live: string) =>
  `inequivalent arg 'a' for queue 'q' in vhost '/': received '1' but current is '${live}'`;

/** A broker that takes one value alone, and says `text` of every other. */
function broker(isRight: (value: unknown) => boolean, text: string) {
  return async ({ arguments: { a } }: Declaration) => (isRight(a) ? null : { code: 406, text });
}

test.each([
  ["10", "10"],
  ["10", 10],
  ["10", { "!": "double", value: 10 }],
  ["true", true],
  ["true", "true"],
  ["1.5", 1.5],
  ["", ""],
] as const)("of what is printed as %s it finds %j", async (printed, live) => {
  const isRight = (value: unknown) => JSON.stringify(value) === JSON.stringify(live);
  expect(await resolveLive(wanted, broker(isRight, complaint(printed)))).toEqual({
    ok: true,
    declaration: { flags: { durable: true }, arguments: { a: live } },
  });
});

test("a value that no declaration can have, and another refusal, end the search", async () => {
  const never = () => false;
  for (const text of [complaint('[{<<"b">>,long,1}]'), "access to queue 'q' refused"]) {
    expect(await resolveLive(wanted, broker(never, text))).toEqual({
      ok: false,
      refusal: { code: 406, text },
    });
  }
});
