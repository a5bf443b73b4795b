import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { scenarios } from "../../demo/scenarios.ts";
import { load } from "../../src/loader/load.ts";
import { route } from "../../src/routing/route.ts";
import { REPOSITORY } from "../support/processes.ts";

const loaded = load({ file: join(REPOSITORY, "topology.yaml"), env: {} });
if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems, null, 2));
const { topology } = loaded;

/** The queues with a handler that a message reaches. */
function handledBy(exchange: string, key: string): readonly string[] {
  return route(topology, exchange, key, {}).queues.filter(
    (name) => topology.queues[name]?.handler != null,
  );
}

test.each([
  ["books", "book.created", ["all_books_queue", "book_created_queue"]],
  ["books", "book.price_changed", ["all_books_queue", "price_watch"]],
  ["orders", "order.placed", ["order_inventory", "order_notifications", "order_payments"]],
  ["orders", "order.shipped", ["order_notifications"]],
  ["notifications", "notification.email", ["email_queue", "live_feed", "push_queue", "sms_queue"]],
  [
    "content",
    "article.published",
    ["cache_queue", "newsletter_queue", "search_index", "social_queue"],
  ],
  ["alerts", "alert.critical", ["alert_manager", "auto_scaler", "metrics_queue"]],
  ["alerts", "alert.warning", ["alert_manager", "metrics_queue"]],
  ["tasks", "render", ["task_queue"]],
])("%s %s reaches each of its consumers", (exchange, key, queues) => {
  expect(handledBy(exchange, key)).toEqual(queues);
});

test("the demo publishes every request of the README", async () => {
  const readme = await readFile(join(REPOSITORY, "README.md"), "utf8");
  const requests = [
    ...readme.matchAll(/^curl -s localhost:8003(\/publish\S*) .*\n\s+-d '(.*)'$/gm),
  ].map(([, path = "", body = ""]) => ({ path, body: JSON.parse(body) }));
  expect(requests).toHaveLength(7);
  const played = scenarios.map(({ path, body }) => ({ path, body }));
  expect(played).toEqual(expect.arrayContaining(requests));
});
