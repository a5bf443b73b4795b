import { describe, expect, test } from "vitest";
import type { ReceivedMessage } from "../../../src/handler.ts";
import {
  packBatch,
  packResults,
  unpackBatch,
  unpackResults,
} from "../../../src/runtime/host/packing.ts";
import type { RunResult } from "../../../src/runtime/host/protocol.ts";

const message = {
  id: "m1",
  queue: "work",
  exchange: "jobs",
  routingKey: "a.b",
  headers: {},
  body: Buffer.from("{}"),
  contentType: null,
  contentEncoding: null,
  correlationId: null,
  priority: null,
  redelivered: false,
};

/** As between threads. */
const sent = (batch: Parameters<typeof packBatch>[0]) =>
  unpackBatch(structuredClone(packBatch(batch)));

describe("a delivery arrives as it was sent", () => {
  test.each<[string, Partial<ReceivedMessage>]>([
    ["plain", {}],
    [
      "every property",
      {
        contentType: "a/b",
        contentEncoding: "utf-8",
        correlationId: "c",
        priority: 3,
        redelivered: true,
      },
    ],
    ["headers of every type", { headers: { a: "text", b: 1.5, c: true, d: null, e: -0.5 } }],
    ["headers that JSON can't say", { headers: { a: Number.POSITIVE_INFINITY, b: Number.NaN } }],
    ["bytes in headers", { headers: { a: Buffer.from([0, 255]), b: [{ c: Buffer.from("x") }] } }],
    ["nested headers", { headers: { a: { b: [1, "2", null] } } }],
    [
      "a key of Object's",
      { headers: JSON.parse('{"constructor":1,"__proto__":2,"toString":"x"}') },
    ],
    ["text that is no Unicode", { routingKey: "\ud800" }],
    ["no body", { body: Buffer.alloc(0) }],
  ])("%s", (_name, change) => {
    const headers = Object.assign(Object.create(null), change.headers ?? {});
    const delivery = {
      id: 7,
      queue: "work",
      attempt: 2,
      message: { ...message, ...change, headers },
    };
    const [received, ...more] = sent([{ run: 3, delivery }]);
    expect(more).toEqual([]);
    expect(received).toStrictEqual({ run: 3, delivery });
  });
});

test("each body of a batch is its own, however large the pool that it was cut from", () => {
  const pool = Buffer.alloc(65_536, "p");
  const runs = [10, 0, 20].map((bytes, run) => ({
    run,
    delivery: {
      id: run,
      queue: "work",
      attempt: 1,
      message: { ...message, body: pool.subarray(run, run + bytes) },
    },
  }));
  expect(packBatch(runs).bodies.byteLength).toBe(30);
  expect(sent(runs).map(({ delivery }) => delivery.message.body)).toEqual(
    runs.map(({ delivery }) => delivery.message.body),
  );
});

test("a result arrives as it was sent", () => {
  const cause = {
    reason: "invalid-event",
    error: "no",
    violations: [{ pointer: "/a", message: "b" }],
  } as const;
  const results: readonly RunResult[] = [
    { run: 1, outcome: { status: "handled" }, durationMs: 1.25, isLoose: false },
    { run: 2, outcome: { status: "dead", cause }, durationMs: 0, isLoose: true },
    { run: 3, outcome: { status: "crashed", error: "exit" }, durationMs: 3, isLoose: false },
    { run: 4, outcome: { status: "held", reason: "blocked" }, durationMs: 3, isLoose: false },
  ];
  expect(unpackResults(packResults(results))).toEqual(results);
});
