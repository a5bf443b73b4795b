/** The nodes of the broker, without what is secret of their urls. */
import { type BrokerAddress, EMBEDDED, type Topology } from "../../topology.ts";
import type { JsonObject } from "../json.ts";

/** A server for each node: `broker`, or `broker1` and so on. */
export function serversOf({ broker: { addresses } }: Topology): JsonObject {
  const named = addresses.map((address, index) => [
    addresses.length === 1 ? "broker" : `broker${index + 1}`,
    serverOf(address),
  ]);
  return Object.fromEntries(named);
}

/** The virtual host of all nodes. */
export function vhostOf({ broker: { addresses } }: Topology): string {
  const [first] = addresses;
  return first === undefined || first.url === EMBEDDED ? "/" : vhostIn(new URL(first.url));
}

function serverOf({ url: text }: BrokerAddress): JsonObject {
  const amqp = { protocol: "amqp", protocolVersion: "0-9-1" };
  if (text === EMBEDDED) {
    return {
      ...{ host: "localhost", ...amqp, pathname: "/" },
      description: "The broker that warren brings along, in memory, on a port of its own.",
    };
  }
  const url = new URL(text);
  const [protocol, port] = url.protocol === "amqps:" ? ["amqps", 5671] : ["amqp", 5672];
  return {
    ...{ host: `${url.hostname}:${url.port || port}`, ...amqp, protocol },
    ...{ pathname: `/${encodeURIComponent(vhostIn(url))}`, title: `vhost ${vhostIn(url)}` },
  };
}

/** Without a path it is the default one. */
function vhostIn({ pathname }: URL): string {
  return pathname.length <= 1 ? "/" : decodeURIComponent(pathname.slice(1));
}
