/** The paths of the management interface, and what each does. */
import type { Broker } from "../model/broker.ts";
import type { Permissions } from "../model/users.ts";
import type { Vhost } from "../model/vhost.ts";
import {
  listBindings,
  listClient,
  listConsumers,
  listDefinitions,
  listExchange,
  listExchanges,
  listOverview,
  listQueue,
  listQueues,
  listVhost,
} from "./listing.ts";

/** null: there is no such thing. */
export type Result = { readonly status: 200 | 201 | 204; readonly body: unknown } | null;

type Route = {
  readonly method: "GET" | "PUT" | "DELETE";
  /** Its parts; `:` stands for a name, which may be percent-encoded. */
  readonly path: readonly string[];
  readonly run: (broker: Broker, names: readonly string[], body: Body) => unknown;
};

type Body = Readonly<Record<string, unknown>>;

const DONE = Symbol("done");

const ROUTES: readonly Route[] = [
  get("overview", (broker) => listOverview(broker)),
  get("whoami", () => ({ name: "guest", tags: ["administrator"] })),
  get("definitions", (broker) => listDefinitions(broker, broker.vhosts)),
  get("definitions/:", (broker, [vhost = ""]) =>
    within(broker, vhost, (found) => listDefinitions(broker, [found])),
  ),
  get("vhosts", (broker) => broker.vhosts.map(listVhost)),
  get("vhosts/:", (broker, [vhost = ""]) => within(broker, vhost, listVhost)),
  get("connections", (broker) => [...broker.clients].map(listClient)),
  get("exchanges", (broker) => broker.vhosts.flatMap(listExchanges)),
  get("exchanges/:", (broker, [vhost = ""]) => within(broker, vhost, listExchanges)),
  get("exchanges/:/:", (broker, [vhost = "", name = ""]) =>
    within(broker, vhost, (found) => {
      const exchange = found.exchanges.get(name);
      return exchange && listExchange(found, exchange);
    }),
  ),
  get("queues", (broker) => broker.vhosts.flatMap(listQueues)),
  get("queues/:", (broker, [vhost = ""]) => within(broker, vhost, listQueues)),
  get("queues/:/:", (broker, [vhost = "", name = ""]) =>
    within(broker, vhost, (found) => {
      const queue = found.queues.get(name);
      return queue && listQueue(found, queue);
    }),
  ),
  get("consumers", (broker) => broker.vhosts.flatMap(listConsumers)),
  get("consumers/:", (broker, [vhost = ""]) => within(broker, vhost, listConsumers)),
  get("bindings", (broker) => broker.vhosts.flatMap(listBindings)),
  get("bindings/:", (broker, [vhost = ""]) => within(broker, vhost, listBindings)),
  put("vhosts/:", (broker, [vhost = ""]) => broker.vhost(vhost)),
  remove("vhosts/:", (broker, [vhost = ""]) => broker.removeVhost(vhost)),
  put("users/:", (broker, [name = ""], { password }) => broker.users.set(name, String(password))),
  remove("users/:", (broker, [name = ""]) => broker.users.remove(name)),
  put("permissions/:/:", (broker, [vhost = "", name = ""], body) =>
    broker.users.permit(name, vhost, body as Permissions),
  ),
  remove("connections/username/:", (broker, [name = ""]) => {
    const clients = [...broker.clients].filter(({ user }) => user === name);
    for (const client of clients) client.forceClose("Closed via management plugin");
  }),
];

/** @param path below `/api`, without its query. */
export function runRoute(broker: Broker, method: string, path: string, body: Body): Result {
  const parts = path.split("/").filter((part) => part !== "");
  for (const route of ROUTES) {
    if (route.method !== method || route.path.length !== parts.length) continue;
    if (!route.path.every((part, index) => part === ":" || part === parts[index])) continue;
    const names = parts.filter((_, index) => route.path[index] === ":").map(decodeURIComponent);
    const found = route.run(broker, names, body);
    if (found === DONE) return { status: method === "PUT" ? 201 : 204, body: undefined };
    return found === undefined ? null : { status: 200, body: found };
  }
  return null;
}

function get(path: string, run: Route["run"]): Route {
  return { method: "GET", path: path.split("/"), run };
}

function put(path: string, run: Route["run"]): Route {
  return { method: "PUT", path: path.split("/"), run: done(run) };
}

function remove(path: string, run: Route["run"]): Route {
  return { method: "DELETE", path: path.split("/"), run: done(run) };
}

function done(run: Route["run"]): Route["run"] {
  return (...args) => {
    run(...args);
    return DONE;
  };
}

function within<T>(broker: Broker, vhost: string, list: (found: Vhost) => T): T | undefined {
  const found = broker.findVhost(vhost);
  return found && list(found);
}
