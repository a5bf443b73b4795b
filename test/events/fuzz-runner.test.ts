/** Fuzzed bodies at a whole runner: over HTTP, and by somebody who publishes past it. */
import { Agent, request } from "node:http";
import { defineHandler } from "../../src/handler.ts";
import { startWire } from "../http/wire.ts";
import { createRandom } from "../support/random.ts";
import { loadTopology, runTopology } from "../support/runner.ts";
import { expect, test } from "../support/test.ts";
import { waitFor } from "../support/wait-for.ts";
import { bombs, fuzzedBody } from "./bodies.ts";
import { bookshopEvents } from "./bookshop.ts";

const topology = `
defaults: { retry: none, deadLetter: dead }
exchanges:
  books: { type: topic, events: ["book.*"] }
  orders: { type: topic, events: ["order.*"] }
  dead:  { type: topic }
queues:
  all: { bind: { books: "#", orders: "#" }, handler: all }
  dead_letters: { bind: { dead: "#" }, handler: none, deadLetter: none }
`;
const samples = [
  { event_type: "book.created", book_id: "1", title: "t", isbn: "9781234567897", price: 39.99 },
  { event_type: "book.updated", data: { book_id: "1", price: 1, currency: "EUR" } },
  { event_type: "order.placed", order_id: "1", user_id: "2", email: "a@b.de", total: 39.99 },
  { specversion: "1.0", id: "1", source: "/s", type: "order.shipped", data: { order_id: "1" } },
];
const types = [...Array(4).fill("application/json"), "application/cloudevents+json"];

test("fuzzed bodies get a 202 or a 4xx, are handled or dead-lettered, and close nothing", async ({
  vhost,
  client,
}) => {
  let handled = 0;
  const wire = await startWire(vhost.url);
  const events = bookshopEvents();
  const stubs = Object.fromEntries(Object.keys(events).map((type) => [type, { type: "object" }]));
  const stubbed = { url: wire.url, topology, events: stubs, handlers: { all: () => undefined } };
  const warren = await runTopology(
    { ...(await loadTopology(stubbed)), events },
    { all: defineHandler<never>(() => void handled++) },
  );
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const start = wire.events.length;
  try {
    const random = createRandom(31);
    const bodies = [
      ...random.list(400, () => fuzzedBody(random, samples)),
      ...random.list(100, () => Buffer.from(JSON.stringify(random.pick(samples)))),
      ...Object.values(bombs).map((make) => Buffer.from(make())),
    ];
    let accepted = 0;
    for (const body of bodies) {
      const path = random.pick(["/publish/book", "/publish/order", "/publish/book.created"]);
      const { status, contentType } = await post(
        warren.url + path,
        body,
        random.pick(types),
        agent,
      );
      const isAccepted = status === 202;
      if (isAccepted) accepted += 1;
      expect([body.subarray(0, 200).toString(), status, contentType]).toEqual([
        body.subarray(0, 200).toString(),
        isAccepted ? 202 : expect.toBeOneOf([400, 404, 413, 422]),
        isAccepted
          ? expect.stringContaining("application/json")
          : "application/problem+json; charset=utf-8",
      ]);
    }
    const messages = bodies.map((body) => ({
      body,
      exchange: random.pick(["books", "orders"]),
      key: random.pick(["book.created", "order.placed", "x", ""]),
      contentType: random.pick(types),
    }));
    for (const { body, exchange, key, contentType } of messages) {
      await client.publish(exchange, key, body, { contentType });
    }
    const all = accepted + messages.length;
    await waitFor(
      async () => handled + ((await client.queueCounts("dead_letters"))?.ready ?? 0) >= all,
      { what: "every message to be handled or dead-lettered" },
    );
    expect(handled + ((await client.queueCounts("dead_letters"))?.ready ?? 0)).toBe(all);
    expect(accepted).toBeGreaterThan(20);
    expect(handled).toBeGreaterThan(accepted);
    expect(wire.events.slice(start)).toEqual([]);
    expect((await warren.get("/readyz")).status).toBe(200);
  } finally {
    agent.destroy();
    await warren.stop();
    await wire.close();
  }
});

/** Over one connection: a server that ends it for a body fails the next. */
async function post(
  url: string,
  body: Buffer,
  contentType: string,
  agent: Agent,
): Promise<{ readonly status: number; readonly contentType: string }> {
  return await new Promise((resolve, reject) => {
    const headers = { "content-type": contentType, "content-length": body.length };
    const sent = request(url, { method: "POST", agent, headers }, (response) => {
      response.resume().once("end", () => {
        resolve({
          status: response.statusCode ?? 0,
          contentType: String(response.headers["content-type"]),
        });
      });
    });
    sent.once("error", reject);
    sent.end(body);
  });
}
