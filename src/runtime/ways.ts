/** What goes out by a topology, with its events and exchanges. */
import { createEventReader } from "../events/reader.ts";
import type { Topology } from "../topology.ts";
import type { Claims } from "./idempotency/claims.ts";
import { createPublish, type Published, type PublishRequest } from "./publish/publish.ts";
import type { ConfirmPublisher } from "./publish/publisher.ts";
import { type Called, type CallRequest, createCall } from "./rpc/call.ts";
import type { RpcClient } from "./rpc/client.ts";

export type Way = {
  readonly publish: (request: PublishRequest) => Promise<Published>;
  readonly call: (request: CallRequest) => Promise<Called>;
};

export type WaysOptions = {
  readonly publisher: ConfirmPublisher;
  readonly client: RpcClient;
  readonly claims: Claims;
};

export class Ways {
  readonly #options: WaysOptions;
  /** Handlers of an earlier generation publish by the topology that they were loaded with. */
  readonly #ways = new WeakMap<Topology, Way>();

  constructor(options: WaysOptions) {
    this.#options = options;
  }

  /** Made when it is first asked for. */
  of(topology: Topology): Way {
    const known = this.#ways.get(topology);
    if (known) return known;
    const { publisher, client, claims } = this.#options;
    const isReused: Claims["isReused"] = (id, message) => claims.isReused(id, message);
    const parts = { topology, reader: createEventReader(topology.events), isReused };
    const way = {
      publish: createPublish({ ...parts, publisher }),
      call: createCall({ ...parts, client }),
    };
    this.#ways.set(topology, way);
    return way;
  }
}
