/** Where a message can get to when only its key is known, and its headers may be any. */
import type { Binding, Exchange } from "../topology.ts";
import { leastHeaders, mergedHeaders, routingType, takes } from "./binding.ts";
import { bindingsFrom, type Network } from "./walk.ts";

/** Where a message enters; `key` null: any key. */
export type Start = { readonly exchange: string; readonly key: string | null };

/** Where the dead letters of a queue go on to; `key` null: each with its own. null: nowhere. */
export type DeadLetterRoutes = (queue: string) => Start | null;

/** The queues that some message with this key (null: any key) and any headers can reach. */
export function reachable(
  network: Network,
  exchange: string,
  key: string | null,
): ReadonlySet<string> {
  return reach(network, { exchange, key }, () => null);
}

/** A message on its way, described by what must be so for it to have come here. */
type Step = Start & {
  /** What its headers have to say at least. */
  readonly headers: Readonly<Record<string, unknown>>;
  /** Headers exchanges none of whose bindings may take it. */
  readonly refused: ReadonlySet<string>;
};

/**
 * The queues that some message can reach, its dead letters included.
 *
 * For a known key this is exact, also where headers decide: a way counts only if one and the same
 * set of headers takes it from end to end. More headers never lose a headers binding, so the least
 * set that a way needs settles whether the exchanges that had to refuse the message do. A plugin's
 * exchange is taken to match every binding and none; so is any exchange where the key is unknown
 * and matters.
 */
export function reach(
  network: Network,
  start: Start,
  routes: DeadLetterRoutes,
): ReadonlySet<string> {
  const queues = new Set<string>();
  const known = new Map<string, Step[]>();
  const steps: Step[] = [{ ...start, headers: {}, refused: new Set() }];
  const arrive = (queue: string, step: Step) => {
    queues.add(queue);
    const letter = routes(queue);
    if (letter !== null) steps.push({ ...step, ...letter, key: letter.key ?? step.key });
  };
  // An array gives what is added while it is walked, too.
  for (const step of steps) {
    if (isKnown(known, step)) continue;
    // The default exchange gives to the queue whose name is the key.
    if (step.exchange === "" && step.key !== null) arrive(step.key, step);
    const source = network.exchanges[step.exchange];
    if (source === undefined) continue;
    for (const { binding, next } of taken(network, source, step)) {
      if (binding.destinationKind === "queue") arrive(binding.destination, next);
      else steps.push({ ...next, exchange: binding.destination });
    }
    const refused = source.alternate === null ? null : refusedBy(network, source, step);
    if (refused !== null && source.alternate !== null) {
      steps.push({ ...refused, exchange: source.alternate });
    }
  }
  return queues;
}

/** Whether a message that had to meet less has been here already; else remembers this one. */
function isKnown(known: Map<string, Step[]>, step: Step): boolean {
  const place = JSON.stringify([step.exchange, step.key]);
  const others = known.get(place) ?? [];
  const isLess = ({ headers, refused }: Step) =>
    [...refused].every((name) => step.refused.has(name)) &&
    Object.keys(headers).every((name) => Object.hasOwn(step.headers, name)) &&
    mergedHeaders(headers, step.headers) !== null;
  if (others.some(isLess)) return true;
  known.set(place, [...others, step]);
  return false;
}

type Taken = { readonly binding: Binding; readonly next: Step };

/** The bindings that can take the message, each with what it then is. */
function taken(network: Network, source: Exchange, step: Step): readonly Taken[] {
  const type = routingType(source);
  return bindingsFrom(network, source.name).flatMap((binding): Taken[] => {
    if (type !== "headers") return canTake(type, binding, step) ? [{ binding, next: step }] : [];
    return leastHeaders(binding).flatMap((least): Taken[] => {
      const headers = mergedHeaders(step.headers, least);
      const next = headers === null ? null : { ...step, headers };
      return next !== null && isPossible(network, next) ? [{ binding, next }] : [];
    });
  });
}

function canTake(type: string, binding: Binding, { key, headers }: Step): boolean {
  return key === null || takes(type, binding, key, headers);
}

/** The message that no binding takes; null if one always does. */
function refusedBy(network: Network, source: Exchange, step: Step): Step | null {
  const type = routingType(source);
  if (type === "headers") {
    const next = { ...step, refused: new Set([...step.refused, source.name]) };
    return isPossible(network, next) ? next : null;
  }
  const isCertain = bindingsFrom(network, source.name).some((it) => isTaker(type, it, step));
  return isCertain ? null : step;
}

function isTaker(type: string, binding: Binding, { key, headers }: Step): boolean {
  if (type === "fanout") return true;
  if (type === "topic" && key === null) return binding.key === "#";
  return (
    (type === "direct" || type === "topic") && key !== null && takes(type, binding, key, headers)
  );
}

function isPossible(network: Network, { headers, refused }: Step): boolean {
  return [...refused].every((name) =>
    bindingsFrom(network, name).every((binding) => !takes("headers", binding, "", headers)),
  );
}
