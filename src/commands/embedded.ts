/** The embedded broker, for a topology whose `broker.url` is `embedded:`. */
import { type EmbeddedBroker, startEmbeddedBroker } from "../embedded/start.ts";
import { WarrenError } from "../errors.ts";
import type { BrokerAddress, Topology } from "../topology.ts";
import { EMBEDDED } from "../topology.ts";
import type { Context } from "./command.ts";

type Ports = { readonly port: number; readonly managementPort: number };

export class Embedded {
  readonly #env: Context["env"];
  readonly #log: Context["log"];
  #broker: EmbeddedBroker | null = null;
  #isStopping = false;

  constructor({ env, log }: Pick<Context, "env" | "log">) {
    this.#env = env;
    this.#log = log;
  }

  /**
   * A topology whose broker can be connected to: it is started first where there is none yet.
   *
   * @throws {WarrenError} `embedded-in-production`
   */
  async provide(topology: Topology): Promise<Topology> {
    if (isEmbedded(topology) && !this.#broker) {
      if (this.#env.NODE_ENV === "production") {
        const message = `broker.url is "${EMBEDDED}", which keeps nothing, and NODE_ENV is production`;
        throw new WarrenError("embedded-in-production", message, { at: topology.places.broker });
      }
      await this.#start({ port: 0, managementPort: 0 });
    }
    return this.applied(topology);
  }

  /** The topology with the address of the broker that runs, if it asks for it and there is one. */
  applied(topology: Topology): Topology {
    if (!this.#broker || !isEmbedded(topology)) return topology;
    const { url, managementUrl } = this.#broker;
    const address = addressOf(url);
    const management = addressOf(managementUrl);
    const broker = { ...topology.broker, addresses: [address], management };
    return Object.freeze({ ...topology, broker });
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#broker?.stop();
  }

  async #start(ports: Ports): Promise<void> {
    const broker = await startEmbeddedBroker(ports);
    this.#broker = broker;
    const { url, managementUrl } = broker;
    this.#log.warn(
      { url, managementUrl },
      "embedded broker: what it holds is gone when warren ends; set RABBITMQ_URL to use RabbitMQ",
    );
    void broker.ended.then((cause) => {
      if (this.#isStopping) return;
      this.#log.error(
        { error: cause?.stack ?? null },
        "the embedded broker has ended, with all that it held: starting it again",
      );
      // Where the runner's topology says it is.
      const again = { port: portOf(url), managementPort: portOf(managementUrl) };
      this.#start(again).catch((error: unknown) => {
        this.#log.error({ error: String(error) }, "the embedded broker does not start");
      });
    });
  }
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}

function isEmbedded({ broker: { addresses } }: Topology): boolean {
  return addresses.some(({ url }) => url === EMBEDDED);
}

/** Masked like everybody's, though this password is no secret. */
function addressOf(url: string): BrokerAddress {
  return { url, shown: url.replace(/:[^:@/]*@/, ":***@") };
}
