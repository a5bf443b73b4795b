import { expect, test } from "../../support/test.ts";
import { handlerText, startThreaded } from "../../support/threaded.ts";
import { waitFor } from "../../support/wait-for.ts";
import { deliveryOf, openHost, withoutBroker } from "./hosting.ts";

const topology = `
defaults: { retry: none, deadLetter: dead, timeout: 20s }
exchanges:
  jobs:  { type: topic }
  notes: { type: topic, events: ["note.*"] }
  dead:  { type: topic }
queues:
  work:  { bind: { jobs: "#" }, handler: work }
  noted: { bind: { notes: "#" }, handler: none, deadLetter: none }
  dead_letters: { bind: { dead: "#" }, handler: none, deadLetter: none }
`;
const events = { "note.added": { type: "object", properties: { text: { type: "string" } } } };

/** What no caller in TypeScript writes, and JavaScript does. */
const mistakes = [
  { name: "no exchange", call: 'publish(undefined, "x", {})', error: "/exchange must be string" },
  {
    name: "a number as exchange",
    call: 'publish(5, "x", {})',
    error: "/exchange must be string",
  },
  {
    name: "no key, the type in the event",
    call: 'publish("notes", undefined, { event_type: "note.added" })',
    error: /^malformed: \/routing_key must be a string/,
  },
  {
    name: "no key to an open exchange",
    call: 'publish("jobs", undefined, {})',
    error: /^malformed: \/routing_key must be a string/,
  },
  {
    name: "a number as key",
    call: 'publish("notes", 5, {})',
    error: /^malformed: \/routing_key must be a string/,
  },
  {
    name: "a BigInt as key",
    call: 'publish("jobs", 5n, {})',
    error: /^malformed: can't be sent: .*BigInt/,
  },
  {
    name: "null as options",
    call: 'publish("notes", "note.added", {}, null)',
    error: /^malformed: can't be sent: .*null/,
  },
  {
    name: "a getter that throws",
    call: 'publish("notes", "note.added", { get text() { throw new Error("no text"); } })',
    error: "can't be sent: no text",
  },
  {
    name: "a getter that throws what has no text",
    call: 'publish("notes", "note.added", { get text() { throw Object.create(null); } })',
    error: "can't be sent: something that has no text",
  },
  { name: "no event", call: 'publish("jobs", "x")', error: "can't be sent: JSON has no undefined" },
].map(({ error, ...mistake }) => ({
  ...mistake,
  error: typeof error === "string" ? `malformed: ${error}` : expect.stringMatching(error),
}));

test.for(mistakes)(
  "a publish with $name is the handler's mistake, whether it waits for it or not",
  async ({ call, error }, { vhost, client }) => {
    const warren = await startThreaded({
      url: vhost.url,
      topology,
      events,
      handlers: {
        work: handlerText(`
          const done = ${call};
          if (event.waits) log.info(await done.catch(({ code }) => ({ code })), "thrown");`),
      },
    });
    for (const waits of [true, false]) await client.publish("jobs", "x", { waits });
    await vhost.waitForCounts("dead_letters", { ready: 2 });
    await waitFor(() => warren.runner.status().queues.work?.inFlight === 0, { what: "the end" });
    expect(await warren.stop()).toBe(true);
    expect(warren.logged("thrown")).toMatchObject([{ code: "malformed" }]);
    const dead = await client.peek("dead_letters");
    expect(dead.map(({ headers }) => headers["x-warren-reason"])).toEqual([
      "handler-failed",
      "handler-failed",
    ]);
    expect(dead.map(({ headers }) => headers["x-warren-error"])).toEqual([error, error]);
  },
);

test("a publish that fails for a bug of ours is answered all the same", async ({
  createProject,
}) => {
  const project = await createProject({
    topology: withoutBroker(topology),
    events,
    handlers: { work: handlerText('void publish("jobs", "x", {});') },
  });
  const {
    host,
    topology: loaded,
    results,
    log,
  } = openHost(project, async () => {
    throw new TypeError("a bug");
  });
  const prepared = await host.prepare(loaded);
  if (prepared.ok) prepared.activate();
  host.deliver([deliveryOf("work", {})]);
  await waitFor(() => results.length > 0, { what: "its result" });
  await host.stop();
  const cause = { reason: "handler-failed", error: "internal-error: a bug" };
  expect(results).toMatchObject([{ outcome: { status: "failed", cause } }]);
  expect(log).toMatchObject([{ level: "error", message: "a handler's publish failed" }]);
});
