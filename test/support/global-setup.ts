import type { TestProject } from "vitest/node";
import { openManagement } from "./management.ts";
import { type RabbitNode, startNode } from "./node.ts";
import { findRabbitmq, INSTALL_COMMAND } from "./node-folder.ts";

/** The broker of this test run. */
export type Broker = {
  readonly amqpUrl: string;
  readonly managementUrl: string;
  readonly version: string;
  /** The private node that was started for this run: for `rabbitmqctl(folder, …)` and signals. */
  readonly node: { readonly folder: string; readonly pid: number } | null;
};

declare module "vitest" {
  interface ProvidedContext {
    broker: Broker;
  }
}

/**
 * Finds or starts the broker that the tests run against: RABBITMQ_URL (with
 * RABBITMQ_MANAGEMENT_URL, default port 15672 of the same host), else a private node.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { RABBITMQ_URL: url } = process.env;
  if (url !== undefined && url !== "") {
    const broker = await existing(url);
    console.log(`tests run against RabbitMQ ${broker.version} of RABBITMQ_URL`);
    project.provide("broker", broker);
    return async () => undefined;
  }
  if (findRabbitmq() === undefined) {
    throw new Error(
      `the tests need RabbitMQ: set RABBITMQ_URL, or install it with\n  ${INSTALL_COMMAND}`,
    );
  }
  const node = await startNode();
  console.log(`tests run against a private RabbitMQ ${node.version} on ${node.amqpUrl}`);
  project.provide("broker", facts(node));
  return node.stop;
}

function facts({ amqpUrl, managementUrl, version, folder, pid }: RabbitNode): Broker {
  return { amqpUrl, managementUrl, version, node: { folder, pid } };
}

async function existing(amqpUrl: string): Promise<Broker> {
  const { hostname, username, password } = new URL(amqpUrl);
  const user = username === "" ? "guest:guest" : `${username}:${password}`;
  const managementUrl = process.env.RABBITMQ_MANAGEMENT_URL ?? `http://${user}@${hostname}:15672`;
  const overview = await openManagement(managementUrl)
    .get<{ readonly rabbitmq_version: string }>("overview")
    .catch((cause) => {
      const wanted = "set RABBITMQ_MANAGEMENT_URL, or enable the plugin rabbitmq_management";
      throw new Error(`no management API at ${new URL(managementUrl).host}: ${wanted}`, { cause });
    });
  return { amqpUrl, managementUrl, version: overview?.rabbitmq_version ?? "unknown", node: null };
}
