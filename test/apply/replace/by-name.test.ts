import { setTimeout as delay } from "node:timers/promises";
import { type Client, openClient } from "../../support/client.ts";
import { expect, test } from "../../support/test.ts";
import { waitFor } from "../../support/wait-for.ts";
import { PAIRS, replace } from "./replacing.ts";

type Sent = { readonly at: number; confirmed: number | null; isReturned: boolean };

/** Publishes by a queue's name, over a new connection where the broker has ended the last one. */
function publishByName(url: string, queue: string) {
  const sent = new Map<string, Sent>();
  let client: Promise<Client> | null = null;
  const open = async () => {
    const opened = await openClient(url);
    opened.channel.on("return", ({ content }) => {
      const one = sent.get(content.toString());
      if (one) one.isReturned = true;
    });
    return opened;
  };
  const publish = async (body: string) => {
    client ??= open();
    const one: Sent = { at: performance.now(), confirmed: null, isReturned: false };
    sent.set(body, one);
    const options = { mandatory: true, persistent: true };
    try {
      (await client).channel.publish("", queue, Buffer.from(body), options, (error: unknown) => {
        if (!error) one.confirmed = performance.now();
      });
    } catch {
      client = null;
    }
  };
  let isOn = true;
  const going = (async () => {
    for (let n = 0; isOn; n++, await delay(5)) await publish(`m${n}`);
  })();
  return {
    sent,
    async stop() {
      isOn = false;
      await going;
      const last = await client;
      await last?.channel.waitForConfirms().catch(() => undefined);
      await last?.close();
    },
  };
}

test.for(["c2c", "q2c"])(
  "%s: of what is published by the queue's name only what met its deletion can be lost, and the report says so",
  async (pair, { vhost, client }) => {
    const [from, to] = PAIRS[pair] ?? [{}, {}];
    await client.channel.assertQueue("q", { arguments: from });
    const publisher = publishByName(vhost.url, "q");
    const gone = { from: 0, to: 0 };
    const report = await replace(
      vhost,
      { queue: "q", from, to },
      {
        onProgress: ({ step }) => {
          if (step === 6 && gone.from === 0) gone.from = performance.now();
          if (step === 7) gone.to = performance.now();
        },
      },
    );
    await publisher.stop();
    const { messages } = await client.consume("q");
    // A quorum queue whose leader is busy is said to be empty: what comes last tells that all came.
    await client.publish("", "q", "last");
    const received = await waitFor(
      (seen) => {
        const bodies = new Set(messages.map(({ body }) => body));
        return seen(bodies).has("last") && bodies;
      },
      { what: "the last message" },
    );
    const lost = [...publisher.sent].filter(
      ([body, { confirmed, isReturned }]) =>
        confirmed !== null && !isReturned && !received.has(body),
    );
    const others = lost.filter(
      ([, { at, confirmed }]) => at > gone.to || (confirmed ?? 0) < gone.from,
    );
    expect(others).toEqual([]);
    expect(received.size).toBeGreaterThan(50);
    expect(report.notes).toEqual([
      expect.stringMatching(
        /^\d+ messages had come by the queue's name: one published so in the \d+ ms between the two was returned, or lost though confirmed$/,
      ),
    ]);
  },
);
