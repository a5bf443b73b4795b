/** Publishes all the time, and knows what the broker has confirmed. */
import { setTimeout as sleep } from "node:timers/promises";
import amqplib from "amqplib";

export type Publisher = {
  /** Messages that the broker has confirmed, and not returned. */
  readonly confirmed: ReadonlySet<string>;
  /** Messages that the broker has returned or refused: nothing of the kind is to happen. */
  readonly failed: readonly string[];
  /** Publishes so many at once. */
  burst(count: number): Promise<void>;
  /** From now on so many a second, until `stop`. */
  start(perSecond: number): void;
  stop(): Promise<void>;
};

export async function openPublisher(url: string, exchange: string): Promise<Publisher> {
  const connection = await amqplib.connect(url, { noDelay: true });
  const channel = await connection.createConfirmChannel();
  const confirmed = new Set<string>();
  const failed: string[] = [];
  channel.on("return", ({ properties }) => failed.push(`returned ${properties.messageId}`));
  let count = 0;
  const publish = () => {
    const messageId = `m${count++}`;
    const options = { persistent: true, mandatory: true, messageId };
    channel.publish(exchange, "job", Buffer.from("{}"), options, (error: unknown) => {
      if (error) failed.push(`refused ${messageId}`);
      else confirmed.add(messageId);
    });
  };
  let isOn = true;
  let going = Promise.resolve();
  let stopped: Promise<void> | null = null;
  return {
    confirmed,
    failed,
    async burst(size) {
      for (let n = 0; n < size; n++) publish();
      await channel.waitForConfirms();
    },
    start(perSecond) {
      going = (async () => {
        for (; isOn; await sleep(1_000 / perSecond)) publish();
      })();
    },
    stop() {
      isOn = false;
      stopped ??= (async () => {
        await going;
        await channel.waitForConfirms();
        await channel.close();
        await connection.close();
      })();
      return stopped;
    },
  };
}
