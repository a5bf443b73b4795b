/** Starts threads, one of them always ahead of time: so the end of another is soon made good. */
import type { Topology } from "../../topology.ts";
import { type Spawned, type SpawnOptions, spawnThread } from "./spawn.ts";

/** A spare is started so long after the last was taken, when what took it is done, in milliseconds. */
const REFILL_MS = 1_000;

type Environment = Readonly<Record<string, string | undefined>>;

export class Spares {
  readonly #env: Environment;
  #spare: { readonly options: string; readonly spawned: Spawned } | null = null;
  #refill: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(env: Environment) {
    this.#env = env;
  }

  /** Has one ready that fits a topology. */
  warm(topology: Topology): void {
    if (this.#isOver) return;
    const wanted = this.#optionsFor(topology);
    const options = JSON.stringify(wanted);
    if (this.#spare?.options === options) return;
    this.#drop();
    const spawned = spawnThread(wanted);
    this.#spare = { options, spawned };
    void spawned.exited.then(() => {
      if (this.#spare?.spawned === spawned) this.#spare = null;
    });
  }

  /** One that is begun now: for what has time. */
  spawn(topology: Topology): Spawned {
    return spawnThread(this.#optionsFor(topology));
  }

  take(topology: Topology): Spawned {
    clearTimeout(this.#refill);
    this.#refill = setTimeout(() => this.warm(topology), REFILL_MS).unref();
    const wanted = this.#optionsFor(topology);
    const spare = this.#spare;
    if (spare?.options !== JSON.stringify(wanted)) return spawnThread(wanted);
    this.#spare = null;
    return spare.spawned;
  }

  end(): void {
    this.#isOver = true;
    clearTimeout(this.#refill);
    this.#drop();
  }

  #drop(): void {
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
  const addresses = broker.addresses.map(({ url }) => new URL(url));
  const isOfBroker = (name: string, value: string) =>
    /^RABBITMQ_(MANAGEMENT_)?URL$/.test(name) ||
    addresses.some(({ username, password }) => hasPassword(value, username, password));
  const entries = Object.entries(env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !isOfBroker(entry[0], entry[1]),
  );
  return Object.fromEntries(entries);
}

/** guest's is known to everybody, and may well be the value of something else. */
function hasPassword(value: string, username: string, password: string): boolean {
  if (password === "") return false;
  if (value.includes(`//${username}:${password}@`)) return true;
  return password !== "guest" && [password, decodeURIComponent(password)].includes(value);
}
