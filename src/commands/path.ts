/** A message's path as a tree, each line with the place in the file that says so. */
import { formatPlace, type Place } from "../errors.ts";
import type { Visit } from "../routing/walk.ts";
import type { Arguments, Binding, Exchange, Topology } from "../topology.ts";

type Line = { readonly text: string; readonly at: Place | null };
/** What stands before a node, and before everything that is under it. */
type Indent = { readonly first: string; readonly rest: string };

/** @param visits as `walk` gives them, that of the exchange published to first. */
export function formatPath(topology: Topology, visits: readonly Visit[]): readonly string[] {
  const [first] = visits;
  if (first === undefined) return [];
  const byName = new Map(visits.map((visit) => [visit.exchange.name, visit]));
  const shown = new Set<string>();
  const under = ({ exchange, taken, handedTo }: Visit, indent: string): readonly Line[] => {
    shown.add(exchange.name);
    const branches = [
      ...taken.map((binding) => ({ label: bindingLabel(exchange, binding), ...binding })),
      ...(handedTo === null ? [] : [alternateOf(exchange, handedTo)]),
    ];
    if (branches.length === 0) return [{ text: `${indent}└─ nothing takes it`, at: null }];
    return branches.flatMap(({ label, destination, destinationKind, at }, index) => {
      const { first: head, rest } = indentOf(indent, index === branches.length - 1);
      const visit = destinationKind === "exchange" ? byName.get(destination) : undefined;
      if (visit === undefined)
        return [{ text: `${head}${label}${ended(topology, destination)}`, at }];
      const text = `${head}${label}${visit.exchange.name}  ${visit.exchange.type}`;
      if (shown.has(destination)) return [{ text: `${text}  (shown above)`, at }];
      return [{ text, at }, ...under(visit, rest)];
    });
  };
  const { name, type, at } = first.exchange;
  return aligned([{ text: `${name}  ${type}`, at }, ...under(first, "")]);
}

function alternateOf({ at }: Exchange, name: string) {
  return {
    label: "nothing takes it: alternate → ",
    destination: name,
    destinationKind: "exchange" as const,
    at,
  };
}

function ended({ queues }: Topology, name: string): string {
  const queue = queues[name];
  const handler = queue?.handler ?? null;
  return `${name}  ${handler === null ? "parked" : `handler ${handler.name}`}`;
}

/** What the binding asks for: its key, its headers, or nothing. */
function bindingLabel({ type }: Exchange, { key, arguments: args }: Binding): string {
  const parts = [
    ...(type === "fanout" && key === "" ? ["all"] : []),
    ...(type === "headers" || (type === "fanout" && key === "") ? [] : [JSON.stringify(key)]),
    ...(Object.keys(args).length === 0 ? [] : [shownArguments(args)]),
  ];
  return `${parts.join(" ") || "all"} → `;
}

function shownArguments(args: Arguments): string {
  const pairs = Object.entries(args).map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
  return `{ ${pairs.join(", ")} }`;
}

function indentOf(indent: string, isLast: boolean): Indent {
  return isLast
    ? { first: `${indent}└─ `, rest: `${indent}   ` }
    : { first: `${indent}├─ `, rest: `${indent}│  ` };
}

/** The places stand below each other. */
function aligned(lines: readonly Line[]): readonly string[] {
  const width = Math.max(...lines.map(({ text }) => text.length));
  return lines.map(({ text, at }) =>
    at === null ? text : `${text.padEnd(width + 2)}${formatPlace(at)}`,
  );
}
