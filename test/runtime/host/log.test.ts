import { expect, test } from "vitest";
import type { FromThread } from "../../../src/runtime/host/protocol.ts";
import { ThreadLog } from "../../../src/runtime/host/thread/log.ts";

/** What becomes of a line, as it goes to the runner's thread. */
function written(fields: object, message: string) {
  const said: FromThread[] = [];
  new ThreadLog((line) => said.push(line)).info(fields, message);
  const [line] = said;
  if (line?.type !== "log") throw new Error("nothing was logged");
  return { fields: JSON.parse(line.fields), message: line.message };
}

const bare = Object.create(null);

test.for<[string, object, string, object]>([
  ["a line", { a: 1 }, "said", { fields: { a: 1 }, message: "said" }],
  [
    "a message that is too long",
    {},
    "x".repeat(100_000),
    { fields: {}, message: "x".repeat(65_536) },
  ],
  ["a message that is no text", {}, bare, { fields: {}, message: "something that has no text" }],
  [
    "fields that are too long",
    { a: "x".repeat(100_000) },
    "said",
    { fields: { cut: `{"a":"${"x".repeat(1018)}` }, message: "said" },
  ],
  [
    "fields that can't be read",
    {
      get a() {
        throw bare;
      },
    },
    "said",
    { fields: { unreadable: "something that has no text" }, message: "said" },
  ],
])("%s is bounded, and no reason to throw", ([, fields, message, line]) => {
  expect(written(fields, message)).toEqual(line);
});
