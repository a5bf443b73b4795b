import type { Binding, Exchange } from "../topology.ts";
import { matchesTopic } from "./topic.ts";

/** The type that decides where messages go; x-delayed-message says it in an argument. */
export function routingType({
  type,
  arguments: given,
}: Pick<Exchange, "type" | "arguments">): string {
  const delayed = given["x-delayed-type"];
  return type === "x-delayed-message" && typeof delayed === "string" ? delayed : type;
}

/**
 * Whether an exchange with this `routingType` takes a message by this binding. A plugin's type is
 * taken to match every binding, since only the plugin knows.
 */
export function takes(
  type: string,
  binding: Binding,
  key: string,
  headers: Readonly<Record<string, unknown>>,
): boolean {
  if (type === "direct") return binding.key === key;
  if (type === "topic") return matchesTopic(binding.key, key);
  if (type === "headers") return matchesHeaders(binding.arguments, headers);
  return true;
}

type Headers = Readonly<Record<string, unknown>>;

/**
 * `x-match` is all (the default), any, all-with-x or any-with-x; without `-with-x`, arguments that
 * begin with `x-` are not compared. Values are compared strictly: "1" never equals 1, the keys of
 * tables have an order, and an empty table is an empty list. No argument to compare: all takes every
 * message, any takes none.
 *
 * @see https://www.rabbitmq.com/docs/exchanges#headers
 */
function matchesHeaders(wanted: Headers, headers: Headers): boolean {
  const { isAny, names } = comparison(wanted);
  const isEqual = (name: string) =>
    Object.hasOwn(headers, name) && isSame(wanted[name], headers[name]);
  return isAny ? names.some(isEqual) : names.every(isEqual);
}

function comparison(wanted: Headers): { readonly isAny: boolean; readonly names: string[] } {
  const match = typeof wanted["x-match"] === "string" ? wanted["x-match"] : "all";
  const withX = match.endsWith("-with-x");
  const names = Object.keys(wanted).filter(
    (name) => name !== "x-match" && (withX || !name.startsWith("x-")),
  );
  return { isAny: match.startsWith("any"), names };
}

/**
 * The least headers that a headers binding takes: any one of these, with whatever else beside it.
 * None: it takes no message.
 */
export function leastHeaders({ arguments: wanted }: Binding): readonly Headers[] {
  const { isAny, names } = comparison(wanted);
  const given = (name: string) => [name, wanted[name]] as const;
  return isAny
    ? names.map((name) => Object.fromEntries([given(name)]))
    : [Object.fromEntries(names.map(given))];
}

/** The headers of both; null if they want different values of one. */
export function mergedHeaders(one: Headers, other: Headers): Headers | null {
  const isAtOdds = Object.keys(other).some(
    (name) => Object.hasOwn(one, name) && !isSame(one[name], other[name]),
  );
  return isAtOdds ? null : { ...other, ...one };
}

function isSame(wanted: unknown, header: unknown): boolean {
  if (typeof wanted !== "object" || typeof header !== "object") return wanted === header;
  const isEmpty = Object.keys(wanted ?? {}).length + Object.keys(header ?? {}).length === 0;
  return isEmpty || JSON.stringify(wanted) === JSON.stringify(header);
}
