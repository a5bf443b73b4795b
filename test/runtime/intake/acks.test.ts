import type { ConsumeMessage } from "amqplib";
import { Acks } from "../../../src/runtime/intake/acks.ts";
import { expect, test } from "../../support/test.ts";
import { waitFor } from "../../support/wait-for.ts";

test("tags settled twice and out of order are acked once, and close no channel", async ({
  client,
}) => {
  const { channel } = client;
  await channel.assertQueue("q", { durable: true });
  for (let n = 0; n < 300; n++) await client.publish("", "q", { n });
  const deliveries: ConsumeMessage[] = [];
  const acks = new Acks(channel);
  await channel.consume("q", (raw) => void (raw && deliveries.push(raw)));
  await waitFor(() => deliveries.length === 300, { what: "all deliveries" });
  // A fixed shuffle: 7 and 300 have no common divisor.
  const tags = deliveries.map((_, index) => ((index * 7) % 300) + 1);
  for (const [index, tag] of tags.entries()) {
    if (tag % 10 === 0) acks.handBack(tag);
    acks.ack(tag);
    acks.ack(tag);
    if (index % 13 === 0) await new Promise(setImmediate);
  }
  acks.flush();
  // The 30 that were handed back come again, redelivered; every other one is gone.
  await waitFor(() => deliveries.length === 330, { what: "those handed back" });
  expect(deliveries.slice(300).every(({ fields }) => fields.redelivered)).toBe(true);
  await channel.checkQueue("q");
});
