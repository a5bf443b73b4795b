import { startEmbeddedBroker } from "../../src/embedded/start.ts";
import { openManagement } from "./management.ts";
import { type RabbitNode, startNode } from "./node.ts";
import { findRabbitmq, INSTALL_COMMAND } from "./node-folder.ts";

/** The broker of a run. */
export type Broker = {
  readonly kind: "rabbitmq" | "embedded";
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
  /** Ends what was started for the run; leaves every other broker alone. */
  close(): Promise<void>;
};

/**
 * Which kind of broker a run has: `WARREN_TEST_BROKER` if it says so, else RabbitMQ where there is
 * one, and the embedded broker where there is none.
 */
export function brokerKind(env: NodeJS.ProcessEnv = process.env): Broker["kind"] {
  const { WARREN_TEST_BROKER: wanted, RABBITMQ_URL: url } = env;
  if (wanted === "embedded" || wanted === "rabbitmq") return wanted;
  return url || findRabbitmq() !== undefined ? "rabbitmq" : "embedded";
}

/** Opens a broker of the kind that the run has. */
export async function openBroker(): Promise<OpenBroker> {
  return brokerKind() === "rabbitmq" ? await openRabbitmq() : await openEmbedded();
}

/**
 * The RabbitMQ of RABBITMQ_URL (with RABBITMQ_MANAGEMENT_URL, default port 15672 of the same host),
 * else a private node.
 *
 * @throws {Error} that says how to install RabbitMQ, where there is none.
 */
export async function openRabbitmq(): Promise<OpenBroker> {
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

async function openEmbedded(): Promise<OpenBroker> {
  const { url, managementUrl, stop } = await startEmbeddedBroker();
  const version = await versionAt(managementUrl);
  const broker = { kind: "embedded", amqpUrl: url, managementUrl, version, node: null } as const;
  return { broker, shown: `the embedded broker on ${url}`, close: stop };
}

function facts({ amqpUrl, managementUrl, version, folder, pid }: RabbitNode): Broker {
  return { kind: "rabbitmq", amqpUrl, managementUrl, version, node: { folder, pid } };
}

async function existing(amqpUrl: string): Promise<Broker> {
  const { hostname, username, password } = new URL(amqpUrl);
  const user = username === "" ? "guest:guest" : `${username}:${password}`;
  const managementUrl = process.env.RABBITMQ_MANAGEMENT_URL ?? `http://${user}@${hostname}:15672`;
  const version = await versionAt(managementUrl).catch((cause) => {
    const wanted = "set RABBITMQ_MANAGEMENT_URL, or enable the plugin rabbitmq_management";
    throw new Error(`no management API at ${new URL(managementUrl).host}: ${wanted}`, { cause });
  });
  return { kind: "rabbitmq", amqpUrl, managementUrl, version, node: null };
}

async function versionAt(managementUrl: string): Promise<string> {
  const overview = await openManagement(managementUrl).get<{ readonly rabbitmq_version: string }>(
    "overview",
  );
  return overview?.rabbitmq_version ?? "unknown";
}
