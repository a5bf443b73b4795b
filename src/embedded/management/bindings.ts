/** Removes a binding by what the listing says of it. */
import type { Broker } from "../model/broker.ts";
import type { Binding } from "../model/exchange.ts";
import type { Vhost } from "../model/vhost.ts";
import { type Answer, type Caller, isAdministrator, NOT_FOUND, refused } from "./answer.ts";
import { propertiesKeyOf } from "./listing.ts";

/** @param names source, `q` or `e`, destination and properties key. */
export function removeBinding(
  { users }: Broker,
  caller: Caller,
  vhost: Vhost,
  [source = "", kind = "", destination = "", propertiesKey = ""]: readonly string[],
): Answer {
  const destinationKind = kind === "e" ? "exchange" : "queue";
  const found = vhost.bindings.find(
    (one) =>
      one.source === source &&
      one.destination === destination &&
      one.destinationKind === destinationKind &&
      propertiesKeyOf(one) === propertiesKey,
  );
  if (!found) return NOT_FOUND;
  const lacking = needsOf(found).find(
    ({ permission, name }) => !users.may(caller.name, permission, vhost.name, name),
  );
  if (lacking && !isAdministrator(caller)) {
    const { permission, what } = lacking;
    const text = `ACCESS_REFUSED - ${permission} access to ${what} in vhost '${vhost.name}' refused for user '${caller.name}'`;
    return refused(401, "not_authorised", text);
  }
  vhost.unbind(found);
  return { status: 204, body: undefined };
}

function needsOf({ source, destination, destinationKind }: Binding) {
  return [
    {
      permission: "write",
      name: destination,
      what: `${destinationKind} '${destination}'`,
    },
    { permission: "read", name: source, what: `exchange '${source}'` },
  ] as const;
}
