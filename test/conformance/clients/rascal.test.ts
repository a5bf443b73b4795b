/** rascal, which declares a topology from its configuration as well, over amqplib. */
import { once } from "node:events";
import rascal, { type AckOrNack } from "rascal";
import { startProxy } from "../../support/proxy.ts";
import { waitFor } from "../../support/wait-for.ts";
import { conforms } from "../case.ts";
import type { Peer } from "../peers.ts";

const TOPOLOGY = {
  exchanges: ["orders", { name: "retry", type: "direct" }, "dead"],
  queues: {
    work: { options: { arguments: { "x-dead-letter-exchange": "dead" } } },
    later: { options: { arguments: { "x-message-ttl": 100, "x-dead-letter-exchange": "orders" } } },
    graveyard: {},
  },
  bindings: ["orders[order.*] -> work", "retry[order.placed] -> later", "dead[#] -> graveyard"],
  publications: {
    order: { exchange: "orders", routingKey: "order.placed", confirm: true },
    lost: { exchange: "orders", routingKey: "invoice", options: { mandatory: true } },
    later: { exchange: "retry", routingKey: "order.placed" },
  },
  subscriptions: {
    work: { queue: "work", prefetch: 5 },
    graveyard: { queue: "graveyard" },
  },
} as const;

type Rascal = Awaited<ReturnType<typeof rascal.BrokerAsPromised.create>>;
type Handle = (content: unknown, ack: AckOrNack, message: { fields: object }) => void;

async function connected<T>(
  { url }: Pick<Peer, "url">,
  use: (broker: Rascal) => Promise<T>,
): Promise<T> {
  const connection = { url, retry: { min: 50, max: 200 } };
  const vhosts = { test: { connection, ...TOPOLOGY } };
  const broker = await rascal.BrokerAsPromised.create(rascal.withDefaultConfig({ vhosts }));
  broker.on("error", () => undefined);
  try {
    return await use(broker);
  } finally {
    await broker.shutdown();
  }
}

async function subscribe(broker: Rascal, name: string, handle: Handle): Promise<void> {
  const subscription = await broker.subscribe(name);
  subscription.on("message", (message, content, ack) => handle(content, ack, message));
  subscription.on("error", () => undefined);
}

/** @returns what became of a publication: `success`, `return` or `error`. */
async function published(broker: Rascal, name: string, body: unknown): Promise<string> {
  const publication = await broker.publish(name, body);
  return await Promise.race(
    ["success", "return", "error"].map(async (event) => {
      await once(publication, event);
      return event;
    }),
  );
}

conforms(
  "rascal declares its topology, publishes and consumes; what is unroutable comes back",
  (peer) =>
    connected(peer, async (broker) => {
      const seen: unknown[] = [];
      await subscribe(broker, "work", (content, ack) => {
        seen.push(content);
        ack();
      });
      const outcomes = [
        await published(broker, "order", { id: 1 }),
        await published(broker, "order", "text"),
        await published(broker, "lost", { id: 2 }),
      ];
      await waitFor(() => seen.length === 2, { what: "both messages" });
      return { outcomes, seen };
    }),
);

conforms("rascal's recoveries republish, nack and dead-letter", (peer) =>
  connected(peer, async (broker) => {
    const seen: unknown[] = [];
    const dead: unknown[] = [];
    await subscribe(broker, "graveyard", (content, ack) => {
      dead.push(content);
      ack();
    });
    let tries = 0;
    await subscribe(broker, "work", (content, ack) => {
      seen.push(content);
      if (content === "dies") ack(new Error("no"));
      else if (content === "twice" && tries++ === 0) {
        ack(new Error("again"), { strategy: "republish", defer: 20, attempts: 3 });
      } else if (content === "later" && seen.filter((one) => one === "later").length === 1) {
        ack(new Error("later"), { strategy: "forward", publication: "later" });
      } else ack();
    });
    for (const body of ["dies", "twice", "later"]) await published(broker, "order", body);
    await waitFor(() => seen.length === 5 && dead.length === 1, { what: "every run" });
    return { seen: seen.map(String).sort(), dead };
  }),
);

conforms(
  "rascal is back, and gets what it had not settled, after its connection is cut",
  async (peer) => {
    const proxy = await startProxy(Number(new URL(peer.url).port));
    try {
      return await connected({ url: proxy.url(peer.url) }, async (broker) => {
        const seen: unknown[] = [];
        await subscribe(broker, "work", (content, ack, { fields }) => {
          const { redelivered } = fields as { readonly redelivered: boolean };
          seen.push([content, redelivered]);
          if (redelivered || content === "after") ack();
        });
        const outcomes = [await published(broker, "order", "before")];
        await waitFor(() => seen.length === 1, { what: "the first message" });
        proxy.cut();
        await waitFor(() => seen.length === 2, { what: "the first message again" });
        outcomes.push(await published(broker, "order", "after"));
        await waitFor(() => seen.length === 3, { what: "the second message" });
        return { outcomes, seen };
      });
    } finally {
      await proxy.close();
    }
  },
);
