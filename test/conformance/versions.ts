/**
 * In what RabbitMQ changed, up to 4.3: what more than one case meets, and how to say what one does.
 * The records were made with 3.10.8, 4.0.5 and 4.3.6; what changed in between is said to be of the
 * first of them that has it.
 */
import type { Older } from "./case.ts";

/** Every text in the value, changed. */
function texts(change: (text: string) => string): Older["saw"] {
  const any = (value: unknown): unknown => {
    if (typeof value === "string") return change(value);
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) return value.map(any);
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, any(inner)]));
  };
  return any;
}

/** Every table in the value, changed. */
function tables(change: (table: Readonly<Record<string, unknown>>) => object): Older["saw"] {
  const any = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(any);
    if (!isPlain(value)) return value;
    return Object.fromEntries(Object.entries(change(value)).map(([key, one]) => [key, any(one)]));
  };
  return any;
}

export const noLastDeath: Older = {
  before: "4.0.0",
  because: "a dead letter said where it died first, but not where it died last",
  saw: tables((table) =>
    Object.fromEntries(Object.entries(table).filter(([key]) => !key.startsWith("x-last-death-"))),
  ),
};

export const noDeliveryModeInStreams: Older = {
  before: "4.0.0",
  because: "a message in a stream did not get the delivery mode that it was published without",
  saw: tables(({ deliveryMode, ...others }) =>
    deliveryMode === 1 || deliveryMode === undefined ? others : { deliveryMode, ...others },
  ),
};

export const unknownTypeClosesConnection: Older = {
  before: "3.13.0",
  because: "an exchange type that nobody knows was no valid command, which ends the connection",
  saw: texts((text) =>
    text.replace(
      /^channel 406 PRECONDITION_FAILED (- \w+ exchange type .*) \(40\.10\)$/,
      "connection 503 COMMAND_INVALID $1",
    ),
  ),
};

/** A difference that one case meets: as much of both answers as it is about. */
export function changed(before: string, because: string, newer: unknown, older: unknown): Older {
  return { before, because, newer, saw: (seen) => merge(seen, older) };
}

function merge(value: unknown, changes: unknown): unknown {
  if (!isPlain(value) || !isPlain(changes)) return changes;
  const entries = Object.entries(changes).map(([key, inner]) => [key, merge(value[key], inner)]);
  return { ...value, ...Object.fromEntries(entries) };
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** For a list of headers, in the order of the deliveries. */
export const everyReturnCounts: readonly Older[] = [
  {
    before: "4.0.0",
    because: "whatever came back to a quorum queue counted as a delivery, and the first said 0",
    saw: everyHeader(({ "x-acquired-count": count = 0, ...others }) => ({
      ...others,
      "x-delivery-count": count,
    })),
  },
  {
    before: "4.3.0",
    because: "whatever came back to a quorum queue counted as a delivery",
    saw: everyHeader(({ "x-acquired-count": count, ...others }) =>
      count === undefined ? others : { ...others, "x-delivery-count": count },
    ),
  },
];

function everyHeader(change: (headers: Readonly<Record<string, unknown>>) => object): Older["saw"] {
  return (newer) => (newer as readonly Readonly<Record<string, unknown>>[]).map(change);
}
