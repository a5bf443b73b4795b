/** Publishes as fast as the broker confirms, with a client that is not warren. */
import amqplib from "amqplib";
import type { Sent } from "./plan.ts";

/** In flight at most. */
const BATCH = 1_000;

/** Marks what is confirmed. @throws {Error} when the broker returns or refuses anything. */
export async function publishAll(url: string, sent: readonly Sent[]): Promise<void> {
  const model = await amqplib.connect(url, { noDelay: true });
  try {
    const channel = await model.createConfirmChannel();
    const returned: string[] = [];
    channel.on("return", ({ properties }) => returned.push(String(properties.messageId)));
    for (let begin = 0; begin < sent.length; begin += BATCH) {
      for (const one of sent.slice(begin, begin + BATCH)) {
        const { id, n, script, queue } = one;
        const options = { persistent: true, mandatory: true, messageId: id };
        const body = Buffer.from(JSON.stringify({ n, script }));
        channel.publish("jobs", queue, body, options, (error: unknown) => {
          one.isConfirmed = !error;
        });
      }
      await channel.waitForConfirms();
      if (returned.length > 0) throw new Error(`the broker returned ${returned.join()}`);
    }
  } finally {
    await model.close();
  }
}
