/** All that is in the broker; nothing of it outlives the process. */
import { MAX_STORED_BYTES, Memory } from "./memory.ts";
import { Users } from "./users.ts";
import { Vhost } from "./vhost.ts";

/** The RabbitMQ that it behaves like. */
export const VERSION = "4.3.6";

/** A client that is connected. */
export type Client = {
  readonly user: string;
  readonly vhost: string;
  /** As it calls itself, and else by its address. */
  readonly name: string;
  /** Ends it with 320, as an operator does. */
  readonly forceClose: (reason: string) => void;
  /** There is room for its messages again. */
  readonly unblock: () => void;
};

export class Broker {
  readonly users = new Users();
  readonly clients = new Set<Client>();
  readonly memory: Memory;
  readonly #vhosts = new Map<string, Vhost>();

  /** @param maxStoredBytes of messages, beyond which publishers have to wait. */
  constructor(maxStoredBytes = MAX_STORED_BYTES) {
    this.memory = new Memory(maxStoredBytes, () => this.#unblock());
    this.vhost("/");
  }

  get vhosts(): readonly Vhost[] {
    return [...this.#vhosts.values()];
  }

  /** Made when it is first asked for. */
  vhost(name: string): Vhost {
    const known = this.#vhosts.get(name);
    if (known) return known;
    const vhost = new Vhost(name, this.memory);
    this.#vhosts.set(name, vhost);
    return vhost;
  }

  findVhost(name: string): Vhost | undefined {
    return this.#vhosts.get(name);
  }

  /** With all that is in it, and those who are connected to it. */
  removeVhost(name: string): void {
    const vhost = this.#vhosts.get(name);
    if (!vhost) return;
    this.#vhosts.delete(name);
    for (const client of [...this.clients]) {
      if (client.vhost === name) client.forceClose(`vhost '${name}' is deleted`);
    }
    for (const queue of [...vhost.queues.values()]) vhost.removeQueue(queue);
  }

  #unblock(): void {
    for (const client of [...this.clients]) {
      // The messages of one may leave no room for those of the next.
      if (!this.memory.isFull) client.unblock();
    }
  }
}
