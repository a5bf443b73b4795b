import { Reject } from "../../src/handler.ts";
import { startRunner, type TestRunner } from "../support/runner.ts";
import { expect, test } from "../support/test.ts";
import type { Vhost } from "../support/vhost.ts";

const topology = `
defaults: { retry: none, deadLetter: none, type: classic }
exchanges:
  tasks: { type: direct }
  prices: { type: topic, events: ["price.*"] }
queues:
  price_quote: { rpc: true, bind: { tasks: price.quote }, handler: quote }
  slow: { rpc: true, bind: { tasks: slow }, handler: slow }
  asked: { rpc: true, bind: { prices: price.asked }, handler: quote }
  quiet: { bind: { tasks: quiet }, handler: quote }
`;
const events = {
  "price.asked": { type: "object", required: ["book"], properties: { book: { type: "string" } } },
};
const replies = { price_quote: { type: "object", required: ["price"] } };

type Request = { readonly book: string };
const handlers = {
  quote: (
    { book }: Request,
    { message }: { message: { headers: object; priority: number | null } },
  ) => {
    if (book === "none") throw new Reject(`no book "none"`);
    if (book === "bare") return {};
    const { headers, priority } = message;
    return { price: 10, book, headers: { ...headers }, priority };
  },
  slow: () => new Promise(() => undefined),
};

async function start({ url }: Vhost): Promise<TestRunner> {
  return await startRunner({ url, topology, events, replies, handlers });
}

const to = { exchange: "tasks", routing_key: "price.quote" };

test("POST /rpc answers with what the handler returns, and with the id of the request", async ({
  vhost,
}) => {
  const warren = await start(vhost);
  const options = { message_id: "é 1", priority: 3, headers: { tenant: "a" }, timeout: 20_000 };
  const answer = await warren.post("/rpc", { ...to, message: { book: "b1" }, ...options });
  expect(answer).toMatchObject({
    status: 200,
    body: { price: 10, book: "b1", headers: { tenant: "a" }, priority: 3 },
  });
  const { headers } = answer;
  expect(headers.get("content-type")).toBe("application/json; charset=utf-8");
  expect(headers.get("x-message-id")).toBe(encodeURIComponent("é 1"));
  const event = { exchange: "prices", message: { event_type: "price.asked", book: "b2" } };
  expect(await warren.post("/rpc", event)).toMatchObject({ status: 200, body: { book: "b2" } });
  await warren.stop();
});

const refusals = [
  {
    name: "a handler that rejects",
    body: { ...to, message: { book: "none" } },
    status: 502,
    code: "rpc-failed",
    detail: 'rejected: no book "none"',
  },
  {
    name: "a handler whose reply breaks its schema",
    body: { ...to, message: { book: "bare" } },
    status: 502,
    code: "rpc-failed",
    detail: expect.stringContaining("the reply is invalid"),
  },
  {
    name: "a handler that is too slow",
    body: { exchange: "tasks", routing_key: "slow", message: 1, timeout: 50 },
    status: 504,
    code: "no-reply",
    detail: "no reply within 50 ms",
  },
  {
    name: "a queue that replies to nobody",
    body: { exchange: "tasks", routing_key: "quiet", message: 1 },
    status: 422,
    code: "not-callable",
    detail: expect.stringContaining("leads to no queue that replies"),
  },
  {
    name: "an invalid event",
    body: { exchange: "prices", message: { event_type: "price.asked" } },
    status: 422,
    code: "invalid-event",
    detail: expect.any(String),
  },
  {
    name: "an unknown exchange",
    body: { exchange: "nowhere", message: 1 },
    status: 404,
    code: "unknown-exchange",
    detail: expect.any(String),
  },
  ...["reply_to", "correlation_id", "expiration"].map((option) => ({
    name: `the option ${option}`,
    body: { ...to, message: 1, [option]: option === "expiration" ? 5 : "amq.rabbitmq.reply-to" },
    status: 400,
    code: "malformed",
    detail: expect.stringContaining("is not a known field"),
  })),
  ...[0, 300_001, 1.5, "5"].map((timeout) => ({
    name: `a timeout of ${JSON.stringify(timeout)}`,
    body: { ...to, message: 1, timeout },
    status: 400,
    code: "malformed",
    detail: expect.stringContaining("/timeout"),
  })),
];

test("POST /rpc says why there is no answer", async ({ vhost }) => {
  const warren = await startRunner({
    ...{ url: vhost.url, events, replies, handlers },
    topology: `drain: { timeout: 1s }\n${topology}`,
  });
  for (const { name, body, ...expected } of refusals) {
    const { status, body: problem } = await warren.post("/rpc", body);
    const { code, detail } = problem;
    expect({ name, status, code, detail }).toEqual({ name, ...expected });
  }
  expect(await warren.get("/rpc")).toMatchObject({ status: 405 });
  await warren.stop();
});
