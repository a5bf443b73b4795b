import { eventsOfQueue } from "../../routing/events.ts";
import { bindingsFrom } from "../../routing/walk.ts";
import { deadLetterRoute, type Queue, type Topology } from "../../topology.ts";
import { lintBindings } from "./bindings.ts";
import { ownerOf, type Subject, soundQueues } from "./subject.ts";

/** Finds exchanges and queues that no message comes through, and keys that no event has. */
export function lintReach(subject: Subject): void {
  lintExchanges(subject);
  const bound = new Set(subject.topology.bindings.filter(isToQueue).map((it) => it.destination));
  const unmatched = lintBindings(subject);
  for (const queue of soundQueues(subject)) {
    if (queue.external) continue;
    if (!bound.has(queue.name)) lintUnbound(subject, queue);
    else if (!unmatched.has(queue.name)) lintUnreached(subject, queue);
  }
}

function isToQueue({ destinationKind }: Topology["bindings"][number]): boolean {
  return destinationKind === "queue";
}

function lintExchanges({ topology, matched, warnings }: Subject): void {
  // Of these it is an error already.
  const letters = new Set(
    Object.values(topology.queues).map((it) => deadLetterRoute(it)?.exchange),
  );
  for (const exchange of Object.values(topology.exchanges)) {
    const { name, alternate, external, at } = exchange;
    // The file can't know who else binds to an external one.
    if (external || alternate !== null || letters.has(name)) continue;
    if (bindingsFrom(topology, name).length > 0) continue;
    const [policy] = matched.ofExchange(name);
    if (policy?.definition["alternate-exchange"] !== undefined) continue;
    const message = `nothing is bound to exchange ${JSON.stringify(name)}, and it has no alternate: what comes there reaches nobody`;
    warnings.add("unbound-exchange", { kind: "exchanges", name }, at, message);
  }
}

function lintUnbound({ topology, warnings }: Subject, queue: Queue): void {
  const isNamed = Object.values(topology.queues).some((other) => {
    const letter = deadLetterRoute(other);
    return letter?.exchange === "" && letter.key === queue.name;
  });
  if (isNamed) return;
  const message = `queue ${JSON.stringify(queue.name)} is bound to no exchange: nothing but its name leads to it`;
  warnings.add("unbound-queue", ownerOf(queue), queue.at, message);
}

function lintUnreached({ topology, warnings }: Subject, queue: Queue): void {
  if (eventsOfQueue(topology, queue.name)?.length !== 0) return;
  // Others may publish what they like to an external exchange.
  const isOpen = topology.bindings.some(
    ({ source, destination, destinationKind }) =>
      destinationKind === "queue" &&
      destination === queue.name &&
      topology.exchanges[source]?.external === true,
  );
  if (isOpen) return;
  const message = `no event reaches queue ${JSON.stringify(queue.name)}, whatever is published`;
  warnings.add("unreached-queue", ownerOf(queue), queue.at, message);
}
