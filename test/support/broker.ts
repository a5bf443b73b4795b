import { openManagement } from "./management.ts";
import { type RabbitNode, startNode } from "./node.ts";
import { findRabbitmq, INSTALL_COMMAND } from "./node-folder.ts";

/** The broker of a run. */
export type Broker = {
  readonly amqpUrl: string;
  readonly managementUrl: string;
  readonly version: string;
  /** The private node that was started for this run: for `rabbitmqctl(folder, …)` and signals. */
  readonly node: { readonly folder: string; readonly pid: number } | null;
};

export type OpenBroker = {
  readonly broker: Broker;
  /** One line that says which broker it is. */
  readonly shown: string;
  /** Ends a private node; leaves every other broker alone. */
  close(): Promise<void>;
};

/**
 * The broker of RABBITMQ_URL (with RABBITMQ_MANAGEMENT_URL, default port 15672 of the same host),
 * else a private node.
 *
 * @throws {Error} that says how to install RabbitMQ, where there is none.
 */
export async function openBroker(): Promise<OpenBroker> {
  const { RABBITMQ_URL: url } = process.env;
  if (url !== undefined && url !== "") {
    const broker = await existing(url);
    const shown = `RabbitMQ ${broker.version} of RABBITMQ_URL`;
    return { broker, shown, close: async () => undefined };
  }
  if (findRabbitmq() === undefined) {
    throw new Error(`RabbitMQ is needed: set RABBITMQ_URL, or install it:\n  ${INSTALL_COMMAND}`);
  }
  const node = await startNode();
  const shown = `a private RabbitMQ ${node.version} on ${node.amqpUrl}`;
  return { broker: facts(node), shown, close: node.stop };
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
