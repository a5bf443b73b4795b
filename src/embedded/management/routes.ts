/** The paths of the management interface, what each does, and who may do it. */
import type { Broker } from "../model/broker.ts";
import type { Permissions } from "../model/users.ts";
import type { Vhost } from "../model/vhost.ts";
import { type Answer, type Caller, isAdministrator, NOT_FOUND, refused } from "./answer.ts";
import { removeBinding } from "./bindings.ts";
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

export type Body = Readonly<Record<string, unknown>>;

export type ApiRequest = {
  readonly method: string;
  /** Below `/api`, still encoded. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: Body;
  readonly caller: Caller;
};

type Call = Pick<ApiRequest, "query" | "body" | "caller"> & {
  readonly broker: Broker;
  /** Those of the path, decoded. */
  readonly names: readonly string[];
};

type Route = {
  readonly method: string;
  /** Its parts; `:` stands for a name. */
  readonly path: readonly string[];
  readonly run: (call: Call) => Answer;
};

const ROUTES: readonly Route[] = [
  get("overview", ({ broker }) => listOverview(broker)),
  get("whoami", ({ caller }) => ({ ...caller, is_internal_user: true })),
  getAll("definitions", (vhosts, { broker }) => listDefinitions(broker, vhosts)),
  getIn("definitions/:", (vhost, { broker }) => listDefinitions(broker, [vhost])),
  getAll("vhosts", (vhosts) => vhosts.map(listVhost)),
  getIn("vhosts/:", listVhost),
  get("connections", ({ broker }) => [...broker.clients].map(listClient)),
  getAll("exchanges", (vhosts) => vhosts.flatMap(listExchanges)),
  getIn("exchanges/:", listExchanges),
  getIn("exchanges/:/:", (vhost, { names: [, name = ""] }) => {
    const exchange = vhost.exchanges.get(name);
    return exchange && listExchange(vhost, exchange);
  }),
  getAll("queues", (vhosts, call) => vhosts.flatMap((one) => listQueues(one, isQuick(call)))),
  getIn("queues/:", (vhost, call) => listQueues(vhost, isQuick(call))),
  getIn("queues/:/:", (vhost, { names: [, name = ""] }) => {
    const queue = vhost.queues.get(name);
    return queue && listQueue(vhost, queue);
  }),
  getAll("consumers", (vhosts) => vhosts.flatMap(listConsumers)),
  getIn("consumers/:", listConsumers),
  getAll("bindings", (vhosts) => vhosts.flatMap(listBindings)),
  getIn("bindings/:", listBindings),
  getAll("policies", () => []),
  getIn("policies/:", () => []),
  getIn("operator-policies/:", () => []),
  {
    method: "DELETE",
    path: "bindings/:/e/:/:/:/:".split("/"),
    run: ({ broker, caller, names: [vhost = "", ...names] }) => {
      const found = visible(broker, caller, vhost);
      return found ? removeBinding(broker, caller, found, names) : NOT_FOUND;
    },
  },
  {
    method: "PUT",
    path: "policies/:/:".split("/"),
    run: () => refused(400, "bad_request", "the embedded broker has no policies"),
  },
  administer("PUT", "vhosts/:", ({ broker, names: [name = ""] }) => broker.vhost(name)),
  administer("DELETE", "vhosts/:", ({ broker, names: [name = ""] }) => broker.removeVhost(name)),
  administer("PUT", "users/:", ({ broker, names: [name = ""], body: { password, tags } }) =>
    broker.users.set(name, String(password), tagsOf(tags)),
  ),
  administer("DELETE", "users/:", ({ broker, names: [name = ""] }) => broker.users.remove(name)),
  administer("PUT", "permissions/:/:", ({ broker, names: [vhost = "", name = ""], body }) =>
    broker.users.permit(name, vhost, body as Permissions),
  ),
  administer("DELETE", "connections/username/:", ({ broker, names: [name = ""] }) => {
    const clients = [...broker.clients].filter(({ user }) => user === name);
    for (const client of clients) client.forceClose("Closed via management plugin");
  }),
];

export function runRoute(broker: Broker, { method, path, ...request }: ApiRequest): Answer {
  const parts = path.split("/").filter((part) => part !== "");
  for (const route of ROUTES) {
    if (route.method !== method || route.path.length !== parts.length) continue;
    if (!route.path.every((part, index) => part === ":" || part === parts[index])) continue;
    const names = parts.filter((_, index) => route.path[index] === ":").map(decodeURIComponent);
    return route.run({ broker, names, ...request });
  }
  return NOT_FOUND;
}

/** @param list undefined: there is no such thing. */
function get(path: string, list: (call: Call) => unknown): Route {
  const run = (call: Call): Answer => {
    const body = list(call);
    return body === undefined ? NOT_FOUND : { status: 200, body };
  };
  return { method: "GET", path: path.split("/"), run };
}

function getIn(path: string, list: (vhost: Vhost, call: Call) => unknown): Route {
  return get(path, (call) => {
    const vhost = visible(call.broker, call.caller, call.names[0] ?? "");
    return vhost && list(vhost, call);
  });
}

/** Of all virtual hosts that the caller sees. */
function getAll(path: string, list: (vhosts: readonly Vhost[], call: Call) => unknown): Route {
  return get(path, (call) => {
    const { broker, caller } = call;
    return list(
      broker.vhosts.filter(({ name }) => visible(broker, caller, name)),
      call,
    );
  });
}

function administer(method: "PUT" | "DELETE", path: string, act: (call: Call) => unknown): Route {
  const run = (call: Call): Answer => {
    if (!isAdministrator(call.caller)) return refused(401, "not_authorized", "Not_Authorized");
    act(call);
    return { status: method === "PUT" ? 201 : 204, body: undefined };
  };
  return { method, path: path.split("/"), run };
}

/** As in 4.x, a virtual host that the caller may not enter is one that is not there. */
function visible(broker: Broker, caller: Caller, vhost: string): Vhost | undefined {
  const isAllowed = isAdministrator(caller) || broker.users.mayEnter(caller.name, vhost);
  return isAllowed ? broker.findVhost(vhost) : undefined;
}

function isQuick({ query }: Call): boolean {
  return query.get("disable_stats") === "true";
}

/** From a list or, as RabbitMQ takes it too, from a text with commas. */
function tagsOf(tags: unknown): readonly string[] {
  const list = Array.isArray(tags) ? tags.map(String) : String(tags ?? "").split(",");
  return list.filter((tag) => tag !== "");
}
