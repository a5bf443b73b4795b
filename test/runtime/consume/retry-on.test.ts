import { Reject, Retry } from "../../../src/handler.ts";
import { startRunner } from "../../support/runner.ts";
import { expect, test } from "../../support/test.ts";

class NetworkError extends Error {}
class ResetError extends NetworkError {
  override readonly name = "Reset";
}

function coded(code: string | number, error: Error = new Error("coded")): Error {
  return Object.assign(error, { code });
}

const throws: Readonly<Record<string, () => unknown>> = {
  class: () => new NetworkError("a class that is named"),
  subclass: () => new ResetError("one below it"),
  code: () => coded("ECONNRESET"),
  number: () => coded(1205),
  cause: () =>
    new Error("wrapped", { cause: new TypeError("twice", { cause: coded("ECONNRESET") }) }),
  retry: () => new Retry({ after: 0 }),
  other: () => new Error("not named"),
  text: () => "ECONNRESET",
  rejected: () => coded("23505"),
  both: () => coded("23505", new NetworkError("by its class the one, by its code the other")),
  outer: () => new NetworkError("the first that is named decides", { cause: coded("23505") }),
  inner: () => coded("23505", new Error("likewise", { cause: new NetworkError("too late") })),
  reject: () => new Reject("as the handler says"),
};

/** Which of them are tried twice, by each queue. */
const retried = {
  picky: ["class", "subclass", "code", "number", "cause", "retry", "outer"],
  sparing: [
    ...Object.keys(throws).filter((name) => !/^(rejected|both|outer|inner|reject)$/.test(name)),
  ],
  ordered: ["class", "subclass", "code", "number", "cause", "retry", "outer"],
};

const topology = `
defaults: { deadLetter: dead, retry: [20ms], rejectOn: ["23505"] }
exchanges:
  jobs: { type: fanout }
  dead: { type: topic }
queues:
  picky: { bind: jobs, handler: fail, retryOn: [NetworkError, ECONNRESET, "1205"] }
  sparing: { bind: jobs, handler: fail, type: classic }
  ordered: { bind: jobs, handler: fail, ordered: true, retryOn: [NetworkError, ECONNRESET, "1205"] }
  dead_letters: { bind: { dead: "#" }, handler: none, deadLetter: none }
`;

test("retryOn and rejectOn decide by class, code and cause, of what is named first", async ({
  vhost,
  client,
}) => {
  const fail = (event: { how: string }) => {
    throw throws[event.how]?.();
  };
  const warren = await startRunner({ url: vhost.url, topology, handlers: { fail } });
  for (const how of Object.keys(throws)) await client.publish("jobs", "", { how });
  await vhost.waitForCounts("dead_letters", { ready: Object.keys(throws).length * 3 });
  await warren.stop();

  const dead = await client.peek("dead_letters");
  for (const [queue, expected] of Object.entries(retried)) {
    const own = dead.filter(({ routingKey }) => routingKey === queue);
    const tried = own.filter(({ headers }) => headers["x-warren-attempts"] === 2);
    expect(own).toHaveLength(Object.keys(throws).length);
    expect(tried.map(({ body }) => JSON.parse(body).how).sort()).toEqual([...expected].sort());
  }
  expect(dead.find(({ body }) => body.includes("both"))?.headers).toMatchObject({
    "x-warren-reason": "handler-failed",
    "x-warren-error": "Error: by its class the one, by its code the other",
    "x-warren-attempts": 1,
  });
});

test("a timeout is handler-timeout in the lists, whatever the handler throws then", async ({
  vhost,
  client,
}) => {
  const warren = await startRunner({
    url: vhost.url,
    topology: `
defaults: { deadLetter: dead, retry: [20ms], timeout: 50ms }
exchanges:
  jobs: { type: fanout }
  dead: { type: topic }
queues:
  named: { bind: jobs, handler: hang, retryOn: [handler-timeout] }
  unnamed: { bind: jobs, handler: hang, retryOn: [TimeoutError] }
  rejected: { bind: jobs, handler: hang, rejectOn: [handler-timeout] }
  dead_letters: { bind: { dead: "#" }, handler: none, deadLetter: none }
`,
    handlers: {
      hang: (_event, { signal }) =>
        new Promise((_resolve, reject) =>
          signal.addEventListener("abort", () => reject(AbortSignal.abort().reason)),
        ),
    },
  });
  await client.publish("jobs", "", {});
  await vhost.waitForCounts("dead_letters", { ready: 3 });
  await warren.stop();
  const attempts = (await client.peek("dead_letters")).map(({ routingKey, headers }) => [
    routingKey,
    headers["x-warren-attempts"],
    headers["x-warren-reason"],
  ]);
  expect(Object.fromEntries(attempts.map(([queue, ...rest]) => [queue, rest]))).toEqual({
    named: [2, "handler-timeout"],
    unnamed: [1, "handler-timeout"],
    rejected: [1, "handler-timeout"],
  });
});

test("broker trouble is no failure that a list decides about", async ({ vhost, client }) => {
  let isBound = false;
  const warren = await startRunner({
    url: vhost.url,
    topology: `
defaults: { deadLetter: dead, retry: none, retryOn: [Named] } # of those that retry
exchanges:
  jobs: { type: fanout }
  out: { type: topic }
  dead: { type: topic }
queues:
  work: { bind: jobs, handler: work, retry: [20ms] }
  sink: { bind: { out: there }, handler: none }
  dead_letters: { bind: { dead: "#" }, handler: none, deadLetter: none }
`,
    handlers: {
      work: (_event, { publish }) => {
        const send = publish as unknown as (...args: unknown[]) => Promise<void>;
        return send("out", isBound ? "there" : "nowhere", {});
      },
    },
  });
  await client.publish("jobs", "", {});
  const held = () => warren.log.some(({ message }) => message.startsWith("message held"));
  await expect.poll(held).toBe(true);
  isBound = true;
  await vhost.waitForCounts("sink", { ready: 1 });
  await warren.stop();
  expect(await vhost.queueCounts("dead_letters")).toEqual({ ready: 0, consumers: 0 });
});
