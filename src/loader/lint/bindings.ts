import { routingType, takes } from "../../routing/binding.ts";
import { reachable } from "../../routing/reach.ts";
import { matchesTopic } from "../../routing/topic.ts";
import { bindingsFrom } from "../../routing/walk.ts";
import { type Binding, deadLetterRoute, type Exchange, type Topology } from "../../topology.ts";
import { join } from "../pointer.ts";
import { didYouMean } from "../suggest.ts";
import { covers } from "./covers.ts";
import type { Subject } from "./subject.ts";
import type { Owner } from "./warnings.ts";

const MAX_PAIRS = 100_000;

/**
 * Finds bindings that take nothing, or nothing that another does not take, and events that none
 * takes.
 *
 * @returns the queues that have a binding which takes nothing.
 */
export function lintBindings(subject: Subject): ReadonlySet<string> {
  const unmatched = new Set<string>();
  const fed = fedExchanges(subject.topology);
  for (const exchange of Object.values(subject.topology.exchanges)) {
    const bindings = bindingsFrom(subject.topology, exchange.name);
    const type = routingType(exchange);
    if (type === "topic") lintRedundant(subject, bindings);
    if (exchange.external || exchange.events === null) continue;
    lintUnreceived(subject, exchange, exchange.events);
    const isByKey = type === "topic" || type === "direct";
    if (!isByKey || fed.has(exchange.name)) continue;
    for (const binding of bindings) {
      if (lintUnmatched(subject, type, exchange.events, binding))
        unmatched.add(binding.destination);
    }
  }
  return unmatched;
}

/** Exchanges to which more comes than what is published there. */
function fedExchanges({ exchanges, bindings, queues }: Topology): ReadonlySet<string | undefined> {
  return new Set([
    ...bindings.filter((it) => it.destinationKind === "exchange").map((it) => it.destination),
    ...Object.values(exchanges).map(({ alternate }) => alternate ?? undefined),
    ...Object.values(queues).map((queue) => deadLetterRoute(queue)?.exchange),
  ]);
}

function lintUnmatched(
  { warnings }: Subject,
  type: string,
  events: readonly string[],
  binding: Binding,
): boolean {
  if (events.some((event) => takes(type, binding, event, {}))) return false;
  const key = JSON.stringify(binding.key);
  const message = `exchange ${JSON.stringify(binding.source)} lists no event that the key ${key} takes${didYouMean(binding.key, events)}`;
  warnings.add("unmatched-binding", ownerOf(binding), binding.at, message);
  return binding.destinationKind === "queue";
}

function lintRedundant({ warnings }: Subject, bindings: readonly Binding[]): void {
  const byDestination = new Map<string, Binding[]>();
  for (const binding of bindings) {
    const id = `${binding.destinationKind} ${binding.destination}`;
    const group = byDestination.get(id);
    if (group === undefined) byDestination.set(id, [binding]);
    else group.push(binding);
  }
  for (const group of byDestination.values()) {
    // A key without wildcards takes itself alone, and no key is there twice.
    const wide = group.filter(({ key }) => /[*#]/.test(key));
    // Nobody wrote so many by hand, and each is compared with each.
    if (wide.length * group.length > MAX_PAIRS) continue;
    for (const binding of group) {
      const cover = wide.find((one) => isRedundantBeside(binding, one, group));
      if (cover === undefined) continue;
      const message = `the key ${JSON.stringify(binding.key)} adds nothing: ${JSON.stringify(cover.key)}, in line ${cover.at.line}, takes all of it, and a message comes once`;
      warnings.add("redundant-binding", ownerOf(binding), binding.at, message);
    }
  }
}

/** Of two keys that take the same, the first is kept. */
function isRedundantBeside(binding: Binding, other: Binding, group: readonly Binding[]): boolean {
  if (other === binding || !covers(other.key, binding.key)) return false;
  return !covers(binding.key, other.key) || group.indexOf(other) < group.indexOf(binding);
}

function lintUnreceived(
  { topology, file, report, warnings, matched }: Subject,
  { name, internal, alternate }: Exchange,
  events: readonly string[],
): void {
  const [policy] = matched.ofExchange(name);
  const isElsewhere = policy?.definition["alternate-exchange"] !== undefined;
  const isUnbound = bindingsFrom(topology, name).length === 0 && alternate === null;
  if (internal || isElsewhere || isUnbound) return;
  const lost = events.filter((event) => reachable(topology, name, event).size === 0);
  (file.exchanges?.[name]?.events ?? []).forEach((pattern, index) => {
    const found = lost.filter((event) => pattern !== undefined && matchesTopic(pattern, event));
    if (found.length === 0) return;
    const at = report.placeOf(join("/exchanges", name, "events", index), "value");
    const message = `no queue receives ${found.join(", ")}: publishing it is refused`;
    warnings.add("unreceived-event", { kind: "exchanges", name }, at, message);
  });
}

function ownerOf({ destination, destinationKind }: Binding): Owner {
  return { kind: destinationKind === "queue" ? "queues" : "exchanges", name: destination };
}
