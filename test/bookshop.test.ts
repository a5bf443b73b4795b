/** The shipped bookshop: its requests, as written, on a real broker. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { inject } from "vitest";
import { question, scenarios } from "../demo/scenarios.ts";
import { defineHandler, type HandlerContext } from "../src/handler.ts";
import quote from "../src/handlers/quote.ts";
import { load } from "../src/loader/load.ts";
import { runTopology } from "./support/runner.ts";
import { expect, test } from "./support/test.ts";
import type { Vhost } from "./support/vhost.ts";
import { waitFor } from "./support/wait-for.ts";

const file = fileURLToPath(new URL("../topology.yaml", import.meta.url));

type Handled = { readonly queue: string; readonly event: unknown; readonly body: string };

/** The shipped topology, with handlers that write down what they are given, and the one that answers. */
async function startBookshop(vhost: Vhost) {
  const loaded = load({ file, env: { RABBITMQ_URL: vhost.url } });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const { topology } = loaded;
  const handled: Handled[] = [];
  const record = (event: unknown, { message }: HandlerContext) =>
    void handled.push({ queue: message.queue, event, body: message.body.toString() });
  const modules = Object.fromEntries(
    Object.values(topology.queues)
      .filter(({ handler }) => handler !== null)
      .map(({ name }) => [name, defineHandler<never>(record)]),
  );
  return { ...(await runTopology(topology, { ...modules, price_quote: quote })), handled };
}

const cleanCode = {
  book_id: "book123",
  title: "Clean Code",
  author: "Robert Martin",
  price: 39.99,
};
const order456 = {
  order_id: "order456",
  user_id: "user789",
  books: [{ book_id: "book123", quantity: 2, price: 39.99 }],
  total_amount: 79.98,
};
const order12345 = { order_id: "12345", user_id: "user789", total: 99.99 };
const mail = {
  recipient: "user@example.com",
  subject: "Order Confirmation",
  message: "Your order has been confirmed!",
};
const alert = { level: "critical", service: "database", message: "High CPU usage" };
const article = { article_id: "abc123", title: "New Article" };

const ORDER_QUEUES = ["order_inventory", "order_notifications", "order_payments"];

/** The requests as written, and who gets which flat event. */
const requests = [
  {
    path: "/publish/book",
    body: { event_type: "book.created", ...cleanCode },
    queues: ["all_books_queue", "book_created_queue"],
    event: { event_type: "book.created", ...cleanCode },
  },
  {
    path: "/publish/order",
    body: { event_type: "order.placed", ...order456 },
    queues: ORDER_QUEUES,
    event: { event_type: "order.placed", ...order456 },
  },
  {
    path: "/publish/order",
    body: { event_type: "order.placed", ...order12345 },
    queues: ORDER_QUEUES,
    event: { event_type: "order.placed", ...order12345 },
  },
  {
    path: "/publish/notification",
    body: { event_type: "notification.email", ...mail },
    queues: ["email_queue", "live_feed", "push_queue", "sms_queue"],
    event: { event_type: "notification.email", ...mail },
  },
  {
    path: "/publish",
    body: {
      exchange: "books",
      routing_key: "book.created",
      message: { event_type: "book.created", data: { book_id: "123", title: "FastAPI Guide" } },
      priority: 5,
    },
    queues: ["all_books_queue", "book_created_queue"],
    event: { event_type: "book.created", book_id: "123", title: "FastAPI Guide" },
  },
  {
    path: "/publish",
    body: { exchange: "content", routing_key: "article.published", message: article },
    queues: ["cache_queue", "newsletter_queue", "search_index", "social_queue"],
    event: article,
  },
  {
    path: "/publish",
    body: { exchange: "alerts", routing_key: "alert.critical", message: alert },
    queues: ["alert_manager", "auto_scaler", "metrics_queue"],
    event: { event_type: "alert.critical", ...alert },
  },
];

test("the seven requests, as written, answer 202 and reach every handler as flat events", async ({
  vhost,
}) => {
  const shop = await startBookshop(vhost);
  for (const { path, body, queues, event } of requests) {
    shop.handled.length = 0;
    const answer = await shop.post(path, body);
    expect(answer).toMatchObject({ status: 202, body: { status: "published" } });
    await waitFor((seen) => seen(shop.handled).length >= queues.length, { what: `${queues}` });
    expect(shop.handled.map(({ queue }) => queue).sort()).toEqual(queues);
    for (const handled of shop.handled) expect(handled.event).toEqual(event);
    const sent = "exchange" in body ? body.message : body;
    for (const handled of shop.handled) expect(JSON.parse(handled.body)).toEqual(sent);
  }
  await shop.stop();
});

test("the README's question, as written, is answered by the handler of its queue", async ({
  vhost,
}) => {
  const shop = await startBookshop(vhost);
  const { status, body } = await shop.post(question.path, question.body);
  await shop.stop();
  expect({ status, body }).toEqual({
    status: 200,
    body: { book_id: "book123", quantity: 2, total: 79.98 },
  });
});

test("the README's curls are the requests that are tested here", () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const bodies = [...readme.matchAll(/-d '(.+)'/g)].map(([, body = ""]) => JSON.parse(body));
  expect(bodies).toEqual([...requests, question].map(({ body }) => body));
  const shown = [...scenarios, question].map(({ body }) => body);
  expect(shown).toEqual(expect.arrayContaining(bodies));
});

const amqpTools = ["amqp-publish", "amqp-get"].every((tool) => {
  try {
    execFileSync("which", [tool]);
    return true;
  } catch {
    return false;
  }
});

// With a RabbitMQ they are to be there; a machine with Node alone has neither.
const hasNeither = inject("broker").kind === "embedded" && !amqpTools;

test.skipIf(hasNeither)(
  "Debian's amqp-publish is consumed just the same, and amqp-get reads what /publish sent",
  async ({ vhost, client }) => {
    if (!amqpTools) throw new Error("run: apt-get update && apt-get install -y amqp-tools");
    const shop = await startBookshop(vhost);
    const body = JSON.stringify({ event_type: "book.created", ...cleanCode });
    const publish = ["-u", vhost.url, "-e", "books", "-r", "book.created", "-b", body];
    execFileSync("amqp-publish", publish);
    await waitFor(() => shop.handled.length === 2, { what: "both queues" });
    for (const { event } of shop.handled) {
      expect(event).toEqual({ event_type: "book.created", ...cleanCode });
    }
    await client.channel.assertQueue("foreign", { durable: true });
    await client.channel.bindQueue("foreign", "books", "book.*");
    const { status } = await shop.post("/publish/book", body);
    expect(status).toBe(202);
    const read = execFileSync("amqp-get", ["-u", vhost.url, "-q", "foreign"]).toString();
    expect(read).toBe(body);
    await shop.stop();
  },
);
