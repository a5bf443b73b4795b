import type { TestProject } from "vitest/node";
import { type Broker, openBroker } from "./broker.ts";
import { buildWarren } from "./build.ts";
import { NEEDS_RABBITMQ } from "./needs-rabbitmq.ts";
import { leavesRedisOut, NEEDS_REDIS, REDIS_INSTALL_COMMAND } from "./needs-redis.ts";
import { INSTALL_COMMAND } from "./node-folder.ts";

declare module "vitest" {
  interface ProvidedContext {
    broker: Broker;
  }
}

/**
 * Compiles what the tests of commands start; finds or starts the broker that the tests run against,
 * and ends it after the last of them.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await buildWarren();
  const { broker, shown, close } = await openBroker();
  console.log(`tests run against ${shown}`);
  if (broker.kind === "embedded") sayWhatIsLeft("RabbitMQ", INSTALL_COMMAND, NEEDS_RABBITMQ);
  if (leavesRedisOut()) sayWhatIsLeft("Redis", REDIS_INSTALL_COMMAND, NEEDS_REDIS);
  project.provide("broker", broker);
  return close;
}

function sayWhatIsLeft(
  what: string,
  install: string,
  files: Readonly<Record<string, string>>,
): void {
  const left = Object.entries(files).map(([file, why]) => `${file} (${why})`);
  console.log(`not run without ${what}, which "${install}" brings: ${left.join(", ")}`);
}
