import type { TestProject } from "vitest/node";
import { type Broker, openBroker } from "./broker.ts";

declare module "vitest" {
  interface ProvidedContext {
    broker: Broker;
  }
}

/** Finds or starts the broker that the tests run against, and ends it after the last of them. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { broker, shown, close } = await openBroker();
  console.log(`tests run against ${shown}`);
  project.provide("broker", broker);
  return close;
}
