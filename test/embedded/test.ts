/** The `test` of what needs an embedded broker with limits of its own. */
import amqplib, { type ChannelModel } from "amqplib";
import { test as plain } from "../support/test.ts";
import { type BrokerProcess, startBrokerProcess } from "./broker-process.ts";

export { expect } from "../support/test.ts";

export const MIB = 1024 * 1024;

type Fixtures = {
  /** Starts a broker that keeps so many bytes of messages. */
  readonly start: (maxStoredBytes: number) => Promise<BrokerProcess>;
  /** A connection that is closed when the test ends. */
  readonly connect: (broker: BrokerProcess) => Promise<ChannelModel>;
};

export const test = plain.extend<Fixtures>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads there what a fixture needs
  start: async ({}, use) => {
    const started: BrokerProcess[] = [];
    await use(async (maxStoredBytes) => {
      const broker = await startBrokerProcess({ maxStoredBytes });
      started.push(broker);
      return broker;
    });
    await Promise.all(started.map((broker) => broker.stop()));
  },
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads there what a fixture needs
  connect: async ({}, use) => {
    const models: ChannelModel[] = [];
    await use(async ({ url }) => {
      const model = await amqplib.connect(url, { noDelay: true });
      model.on("error", () => undefined);
      models.push(model);
      return model;
    });
    await Promise.all(models.map((model) => model.close().catch(() => undefined)));
  },
});
