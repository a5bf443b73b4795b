import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "../../support/test.ts";
import { PAIRS, replace } from "./replacing.ts";

test.for(["c2c", "q2c"])(
  "%s: of what is published by the queue's name only what met its deletion can be lost, and the report says so",
  async (pair, { vhost, client }) => {
    const [from, to] = PAIRS[pair] ?? [{}, {}];
    const { channel } = client;
    await channel.assertQueue("q", { arguments: from });
    const sent = new Map<string, { readonly at: number; confirmed: number; isReturned: boolean }>();
    channel.on("return", ({ content }) => {
      const one = sent.get(content.toString());
      if (one) one.isReturned = true;
    });
    let isOn = true;
    const publishing = (async () => {
      for (let n = 0; isOn; n++, await delay(5)) {
        const one = {
          at: performance.now(),
          confirmed: Number.POSITIVE_INFINITY,
          isReturned: false,
        };
        sent.set(`m${n}`, one);
        channel.publish(
          "",
          "q",
          Buffer.from(`m${n}`),
          { mandatory: true, persistent: true },
          () => {
            one.confirmed = performance.now();
          },
        );
      }
    })();
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
    isOn = false;
    await publishing;
    await channel.waitForConfirms();
    const { messages } = await client.consume("q");
    await vhost.waitForCounts("q", { ready: 0 });
    const received = new Set(messages.map(({ body }) => body));
    const kept = [...sent].filter(([, one]) => !one.isReturned);
    const lost = kept.filter(([id]) => !received.has(id));
    const outside = lost.filter(([, one]) => one.confirmed < gone.from || one.at > gone.to);
    expect(outside).toEqual([]);
    expect(lost.length).toBeLessThanOrEqual(20);
    expect(report.notes).toEqual([
      expect.stringMatching(
        /^\d+ messages had come by the queue's name: one published so in the \d+ ms between the two was returned, or lost though confirmed$/,
      ),
    ]);
  },
);
