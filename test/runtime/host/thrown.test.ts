import { describe } from "vitest";
import { Reject, Retry } from "../../../src/handler.ts";
import { packResults, unpackResults } from "../../../src/runtime/host/packing.ts";
import { readFailure } from "../../../src/runtime/host/thread/cause.ts";
import { describeFailure } from "../../../src/runtime/host/thread/failure.ts";
import { expect, test } from "../../support/test.ts";
import { handlerText } from "../../support/threaded.ts";
import { waitFor } from "../../support/wait-for.ts";
import { deliveryOf, openHost, withoutBroker } from "./hosting.ts";

const failed = (error: string, ...names: readonly (readonly string[])[]) => ({
  status: "failed",
  cause: { reason: "handler-failed", error, names },
});
const rejected = (error: string) => ({ status: "dead", cause: { reason: "rejected", error } });
const changed = (error: Error, change: object) => Object.assign(error, change);
const bare = Object.create(null);
const unreadable = new Proxy(new Error("no"), {
  get() {
    throw new Error("not this either");
  },
});

describe("whatever is thrown has an outcome", () => {
  test.for<[string, unknown, object]>([
    ["an error", new TypeError("no"), failed("TypeError: no", ["TypeError", "Error"])],
    ["a text", "no", failed("thrown: no")],
    ["nothing", undefined, failed("thrown: undefined")],
    ["a symbol", Symbol("no"), failed("thrown: Symbol(no)")],
    ["an object without a prototype", bare, failed("thrown: something that has no text", [])],
    [
      "an error that can't be read",
      unreadable,
      failed("thrown: something that has no text", ["Error"]),
    ],
    [
      "a message that is no text",
      changed(new Error(), { message: 5 }),
      failed("Error: 5", ["Error"]),
    ],
    [
      "a name that is no text",
      changed(new Error("no"), { name: { a: 1 } }),
      failed("[object Object]: no", ["Error"]),
    ],
    ["a Reject", new Reject("no"), rejected("no")],
    [
      "a Reject without a text",
      changed(new Reject(), { message: undefined }),
      rejected("undefined"),
    ],
    [
      "a Reject whose message has no text",
      changed(new Reject(), { message: bare }),
      rejected("something that has no text"),
    ],
    [
      "a Retry",
      new Retry({ after: 1_000 }),
      {
        ...failed("Retry: retry after 1000 ms", ["Retry", "Error"]),
        status: "retry",
        afterMs: 1_000,
      },
    ],
    [
      "a Retry after for ever",
      new Retry({ after: Number.POSITIVE_INFINITY }),
      {
        ...failed("Retry: retry after Infinity ms", ["Retry", "Error"]),
        status: "retry",
        afterMs: 2 ** 32 - 1,
      },
    ],
    [
      "a Retry after not a number",
      new Retry({ after: Number.NaN }),
      failed("Retry: retry after NaN ms", ["Retry", "Error"]),
    ],
    [
      "a Retry after a text",
      changed(new Retry({ after: 1 }), { after: "1" }),
      failed("Retry: retry after 1 ms", ["Retry", "Error"]),
    ],
  ])("%s", ([, thrown, outcome]) => {
    const read = readFailure(thrown);
    expect(read).toEqual(outcome);
    // As it goes to the runner's thread.
    const result = { run: 1, outcome: read, durationMs: 1, isLoose: false };
    expect(unpackResults(packResults([result]))).toEqual([result]);
  });
});

test.for<[string, unknown, string]>([
  ["an object without a prototype", bare, "threw something that has no text"],
  ["an error that can't be read", unreadable, "threw something that has no text"],
  [
    "an error whose message and stack are no text",
    changed(new Error(), { message: 5, stack: 6 }),
    "threw 5",
  ],
])("%s that a module throws as it is loaded is described", ([, thrown, reason]) => {
  expect(describeFailure(thrown)).toEqual({ reason, at: null, missing: null });
});

const topology = withoutBroker(`
defaults: { retry: none, deadLetter: none, timeout: 20s }
exchanges: { jobs: { type: topic } }
queues:
  work: { bind: { jobs: "#" }, handler: work }
`);

test.for([
  { how: "at once", body: "throw Object.create(null);", isAsync: false },
  { how: "after an await", body: "await 1; throw Object.create(null);", isAsync: true },
  {
    how: "in a timer",
    body: "setTimeout(() => { throw Object.create(null); }); await new Promise(() => {});",
    isAsync: true,
  },
  {
    how: "by what it returns",
    body: "return { get then() { throw Object.create(null); } };",
    isAsync: false,
  },
  {
    how: "by a proxy that it returns",
    body: "return new Proxy({}, { has() { throw new Error('no'); } });",
    isAsync: false,
  },
])(
  "a handler that throws an odd value $how fails at once, and the rest of its batch runs",
  async ({ body, isAsync }, { createProject }) => {
    const text = handlerText(`if (event.bad) { ${body} }`);
    const project = await createProject({
      topology,
      handlers: { work: isAsync ? text : text.replace("async (event", "(event") },
    });
    const { host, topology: loaded, results, log } = openHost(project);
    const prepared = await host.prepare(loaded);
    if (prepared.ok) prepared.activate();
    host.deliver([{ bad: true }, {}, {}].map((event) => deliveryOf("work", event)));
    await waitFor((seen) => seen(results.length) === 3, { what: "three results" });
    await host.stop();
    const statuses = results.map(({ outcome }) => outcome.status);
    expect(statuses.sort()).toEqual(["failed", "handled", "handled"]);
    expect(log).toEqual([]);
  },
);
