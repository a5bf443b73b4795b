import { relative } from "node:path";
import { formatPlace } from "../errors.ts";
import { formatQuantity } from "../loader/units.ts";
import { formatBy, type Idempotency, type Queue } from "../topology.ts";
import type { Attempt, Explanation, Inflow } from "./explanation.ts";

type Row = readonly string[];

/**
 * An explanation for a person: a heading for each question, and what is not there is not headed.
 *
 * @param folder of topology.yaml, to which the paths of handlers are relative.
 */
export function formatExplanation(explanation: Explanation, folder: string): string {
  const { queue, policies, losses } = explanation;
  const sections: readonly (readonly [heading: string, rows: readonly Row[]])[] = [
    ["handled by", handling(explanation, folder)],
    ["arguments", explanation.arguments.map((it) => [it.name, shown(it.value), it.type])],
    ["policies", policies.map((it) => [it.name, shown(it.definition), formatPlace(it.at)])],
    ["bound from", explanation.bindings.map(inflow)],
    ["dead letters of", explanation.deadLettersOf.map((name) => [name])],
    ["events", [[explanation.events === null ? "any JSON" : explanation.events.join(", ")]]],
    ["attempts", timetable(explanation.attempts)],
    ["retried are", retried(explanation)],
    ["replies", replies(explanation)],
    ["dead letters go", deadLetters(explanation)],
    ["lost is", losses.length === 0 ? [["nothing that is known here"]] : losses.map((it) => [it])],
  ];
  const kind = [
    queue.type,
    ...(queue.ordered ? ["ordered"] : []),
    ...(queue.autoDelete ? ["auto-delete"] : []),
    ...(queue.exclusive ? ["exclusive"] : []),
  ];
  const head = `${queue.name}  ${kind.join(", ")}${queue.external ? ", external" : ""}`;
  return [
    `${head}  ${formatPlace(queue.at)}`,
    ...sections.flatMap(([heading, rows]) =>
      rows.length === 0 ? [] : ["", heading, ...aligned(rows)],
    ),
  ].join("\n");
}

function handling({ queue }: Explanation, folder: string): readonly Row[] {
  const { handler, concurrency, prefetch, timeoutMs, idempotency } = queue;
  if (handler === null) return [["nobody: it is parked"]];
  return [
    ["handler", handler.name, relative(folder, handler.file)],
    ["concurrency", `${concurrency}`, "runs at once"],
    ["prefetch", `${prefetch}`, "messages that the broker sends ahead"],
    ["timeout", duration(timeoutMs ?? 0), "of one run"],
    ...(idempotency === null ? [] : [once(idempotency)]),
    ...pace(queue),
    ...(queue.exclusive
      ? [["exclusive", "one runner", "declares and binds it on the connection that consumes it"]]
      : []),
  ];
}

function pace(queue: Explanation["queue"]): readonly Row[] {
  const { ratePerHour, breaker, consumerPriority, acksOnDelivery } = queue;
  return [
    ...(ratePerHour === null
      ? []
      : [["rate", formatQuantity("rate", ratePerHour), "runs that begin, in each runner"]]),
    ...(breaker === null ? [] : [["breaker", breakerOf(breaker)]]),
    ...(consumerPriority === 0 ? [] : [["priority", `${consumerPriority}`, "of the consumer"]]),
    ...(acksOnDelivery ? [["ack", "on delivery: what fails is lost"]] : []),
  ];
}

function breakerOf({ failureRate, window, pauseMs }: NonNullable<Queue["breaker"]>): string {
  const when = `opens when ${failureRate} of the last ${window} runs have failed`;
  return `${when}, for ${duration(pauseMs)}, and twice as long after each try that fails`;
}

function once({ by, ttlMs, missing }: Idempotency): Row {
  const remembered = `handled once in ${duration(ttlMs)}`;
  const without = missing === "run" ? "" : "; a message without it is a dead letter";
  return ["idempotency", formatBy(by), `${remembered}${without}`];
}

function inflow(flow: Inflow): Row {
  if ("alternateOf" in flow) {
    const { alternateOf, destination, at } = flow;
    return [destination, `alternate of ${alternateOf}`, formatPlace(at)];
  }
  const { source, destination, destinationKind, key, arguments: args, at } = flow;
  const by = Object.keys(args).length === 0 ? shown(key) : `${shown(key)} ${shown(args)}`;
  const onward = destinationKind === "exchange" ? `${by} to ${destination}` : by;
  return [source, onward, formatPlace(at)];
}

function timetable(attempts: readonly Attempt[]): readonly Row[] {
  if (attempts.length === 0) return [];
  return [
    ["attempt", "after", "in all", "through"],
    ...attempts.map(({ attempt, afterMs, totalMs, through }) => [
      `${attempt}`,
      duration(afterMs),
      duration(totalMs),
      through ?? (attempt === 1 ? "the queue" : "in place"),
    ]),
  ];
}

/** Where nothing is said, all that fails is. */
function retried({ queue: { retryOn, rejectOn } }: Explanation): readonly Row[] {
  if (retryOn === null && rejectOn.length === 0) return [];
  return [
    [retryOn === null ? "all errors" : `${retryOn.join(", ")} alone`],
    ...(rejectOn.length === 0 ? [] : [[`not ${rejectOn.join(", ")}`]]),
  ];
}

function replies({ reply }: Explanation): readonly Row[] {
  if (reply === null) return [];
  const errors = reply.errors.map(({ reason, when }) => [`  ${reason}`, when]);
  return [
    ["to", "the reply_to of each request, with its correlation_id"],
    ["is", reply.schema === null ? "any JSON" : `as ${reply.schema.file} says`],
    ["or an error, once", "with its reason in x-warren-reason"],
    ...errors,
  ];
}

function deadLetters({ deadLetters: ways }: Explanation): readonly Row[] {
  return ways.flatMap(({ by, causes, to, queues }) => {
    const sender = by === "warren" ? "by warren" : "by the broker";
    const target =
      to === null
        ? "nowhere"
        : `${to.exchange === "" ? "the default exchange" : to.exchange} with ${to.key === null ? "its own key" : shown(to.key)}`;
    const end = to === null ? [] : [queues.length === 0 ? "no queue" : queues.join(", ")];
    return [
      [sender, target, ...end.map((it) => `→ ${it}`)],
      ...causes.map(({ reason, when }) => [`  ${reason}`, when]),
    ];
  });
}

/** Columns below each other, but for the last of a row. */
function aligned(rows: readonly Row[]): readonly string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.slice(0, -1).forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, cell.length);
    });
  }
  return rows.map((row) =>
    `  ${row.map((cell, column) => cell.padEnd(column === row.length - 1 ? 0 : (widths[column] ?? 0))).join("  ")}`.trimEnd(),
  );
}

function shown(value: unknown): string {
  return JSON.stringify(value);
}

/** `2m 35s`: a sum of delays is whole in small units alone. */
function duration(ms: number): string {
  const units = [
    ["h", 3_600_000],
    ["m", 60_000],
    ["s", 1_000],
    ["ms", 1],
  ] as const;
  let rest = ms;
  const parts = units.flatMap(([unit, size]) => {
    const count = Math.floor(rest / size);
    rest -= count * size;
    return count === 0 ? [] : [`${count}${unit}`];
  });
  return parts.join(" ") || "0s";
}
