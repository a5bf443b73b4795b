/** Starts threads, one of them ahead of time if that is asked for. */
import type { Topology } from "../../topology.ts";
import { type Spawned, type SpawnOptions, spawnThread } from "./spawn.ts";

type Environment = Readonly<Record<string, string | undefined>>;

export class Spares {
  readonly #env: Environment;
  #spare: { readonly options: string; readonly spawned: Spawned } | null = null;

  constructor(env: Environment) {
    this.#env = env;
  }

  /** Has one ready that fits a topology. */
  warm(topology: Topology): void {
    const wanted = this.#optionsFor(topology);
    const options = JSON.stringify(wanted);
    if (this.#spare?.options === options) return;
    this.end();
    const spawned = spawnThread(wanted);
    this.#spare = { options, spawned };
    void spawned.exited.then(() => {
      if (this.#spare?.spawned === spawned) this.#spare = null;
    });
  }

  take(topology: Topology): Spawned {
    const wanted = this.#optionsFor(topology);
    const spare = this.#spare;
    if (spare?.options !== JSON.stringify(wanted)) return spawnThread(wanted);
    this.#spare = null;
    return spare.spawned;
  }

  end(): void {
    void this.#spare?.spawned.worker.terminate();
    this.#spare = null;
  }

  #optionsFor(topology: Topology): SpawnOptions {
    const files = Object.values(topology.queues).map(({ handler }) => handler?.file ?? "");
    return {
      env: withoutBroker(this.#env, topology),
      isTypeScript: files.some((file) => /\.m?ts$/.test(file)),
      maxHeapBytes: topology.worker.maxHeapBytes,
    };
  }
}

/** Handlers have no business with the broker: no variable has its password, however it is called. */
function withoutBroker(env: Environment, { broker }: Topology): Record<string, string> {
  const secrets = broker.addresses.flatMap(({ url }) => {
    const { username, password, host } = new URL(url);
    return [`${username}:${password}@`, `@${host}`, host];
  });
  const isOfBroker = (name: string, value: string) =>
    /^RABBITMQ_(MANAGEMENT_)?URL$/.test(name) || secrets.some((secret) => value.includes(secret));
  const entries = Object.entries(env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !isOfBroker(entry[0], entry[1]),
  );
  return Object.fromEntries(entries);
}
