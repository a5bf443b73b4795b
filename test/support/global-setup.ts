import type { TestProject } from "vitest/node";
import { type Broker, openBroker } from "./broker.ts";
import { NEEDS_RABBITMQ } from "./needs-rabbitmq.ts";
import { INSTALL_COMMAND } from "./node-folder.ts";

declare module "vitest" {
  interface ProvidedContext {
    broker: Broker;
  }
}

/** Finds or starts the broker that the tests run against, and ends it after the last of them. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { broker, shown, close } = await openBroker();
  console.log(`tests run against ${shown}`);
  if (broker.kind === "embedded") {
    const left = Object.entries(NEEDS_RABBITMQ).map(([file, why]) => `${file} (${why})`);
    console.log(`not run without RabbitMQ, which "${INSTALL_COMMAND}" brings: ${left.join(", ")}`);
  }
  project.provide("broker", broker);
  return close;
}
