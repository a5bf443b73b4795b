/** One entry of a plan in words. */

import { counted } from "../../counted.ts";
import type { LiveQueue, QueueCounts } from "../live.ts";
import type { Action, Difference, PlanEntry } from "../planned.ts";
import { bindingId, type OwnedBinding, type StateRecord } from "../state/record.ts";
import type { Color } from "./paint.ts";
import { queueTypeOf } from "./queue-type.ts";

export type EntryText = {
  /** `-/+` */
  readonly mark: string;
  readonly color: Color;
  readonly kind: PlanEntry["kind"];
  readonly name: string;
  readonly detail: string;
  /** Where the file says it, or why it says nothing. */
  readonly place: string;
  /** Below it. */
  readonly lines: readonly string[];
};

const MARKS: Readonly<Record<Action, readonly [mark: string, color: Color]>> = {
  create: ["+", "green"],
  bind: ["+", "green"],
  ensure: ["=", "none"],
  unbind: ["-", "red"],
  replace: ["-/+", "yellow"],
  update: ["~", "yellow"],
  remove: ["-", "red"],
  conflict: ["!", "red"],
  missing: ["!", "red"],
  hidden: ["?", "yellow"],
  kept: ["-", "yellow"],
  foreign: ["·", "dim"],
  unchanged: ["=", "none"],
};

/** @param state whose generation knows what the file no longer has. */
export function describeEntry(entry: PlanEntry, state: StateRecord | null): EntryText {
  const { action, kind, name } = entry;
  const [mark, color] = MARKS[action];
  const binding = bindingOf(entry);
  return {
    mark,
    color,
    kind,
    name: printable(binding ? `${binding.source} -> ${binding.destination}` : name),
    detail: printable(detailOf(entry, binding)),
    place: placeOf(entry, state),
    lines: [
      ...differenceLines(entry.differences),
      ...countLines(entry),
      ...blockedLines(entry),
      ...entry.notes,
    ].map(printable),
  };
}

/** Others may have given their objects names that a terminal would obey. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, (control) => {
    const code = control.codePointAt(0) ?? 0;
    return `\\x${code.toString(16).padStart(2, "0")}`;
  });
}

function bindingOf({ binding, desired }: PlanEntry): OwnedBinding | null {
  return binding ?? (desired?.kind === "binding" ? desired : null);
}

function detailOf({ action, desired }: PlanEntry, binding: OwnedBinding | null): string {
  if (binding) return routingOf(binding);
  if (action === "foreign") return "not ours, left alone";
  if (action === "replace") return "cannot be changed in place";
  return action === "create" ? describeWanted(desired) : "";
}

function routingOf({ key, arguments: given }: OwnedBinding): string {
  const table = Object.keys(given).length === 0 ? [] : [JSON.stringify(given)];
  return [...(key === "" ? [] : [key]), ...table].join(" ");
}

function describeWanted(desired: PlanEntry["desired"]): string {
  switch (desired?.kind) {
    case "exchange": {
      const flags = [
        ...(desired.internal ? ["internal"] : []),
        ...(desired.autoDelete ? ["auto-delete"] : []),
      ];
      return [desired.type, ...flags].join(", ");
    }
    case "queue": {
      const isOrdered = desired.arguments["x-single-active-consumer"] === true;
      const flags = [
        ...(isOrdered ? ["single active consumer"] : []),
        ...(desired.autoDelete ? ["auto-delete"] : []),
      ];
      return [queueTypeOf(desired), ...flags].join(", ");
    }
    case "policy":
      return `${desired.applyTo} ${desired.pattern}, priority ${desired.priority}`;
    default:
      return "";
  }
}

function placeOf({ at, action, binding }: PlanEntry, state: StateRecord | null): string {
  if (at) return `${at.file}:${at.line}`;
  if (action === "foreign" || !state) return "";
  const id = binding && bindingId(binding);
  const isKnown = id === null || state.owned.bindings.some((owned) => bindingId(owned) === id);
  return isKnown ? `(in state ${state.generation}, not in the file)` : "(not in the file)";
}

/** What the broker has, and what it would have. */
function differenceLines(differences: readonly Difference[]): readonly string[] {
  const width = Math.max(0, ...differences.map(({ argument }) => argument.length));
  return differences.map(
    ({ argument, wanted, live }) => `${argument.padEnd(width)}  ${live} -> ${wanted}`,
  );
}

/** Of a queue that would change, or go. */
function countLines({ action, counts }: PlanEntry): readonly string[] {
  if (!counts || !["replace", "remove", "kept"].includes(action)) return [];
  return [describeCounts(counts)];
}

function describeCounts({
  ready,
  unacked,
  messages,
  consumers,
  foreignConsumers,
}: LiveQueue["counts"]): string {
  const held = messages === null ? 0 : messages - ready - (unacked ?? 0);
  return [
    `${spaced(ready)} ready`,
    unacked === null ? "unacked not known" : `${spaced(unacked)} unacked`,
    ...(held > 0 ? [`${spaced(held)} dead letters held`] : []),
    consumers === null
      ? "consumers not known"
      : `${counted(consumers, "consumer")}${whose({ consumers, foreignConsumers })}`,
  ].join(", ");
}

function whose({
  consumers,
  foreignConsumers,
}: Pick<QueueCounts, "consumers" | "foreignConsumers">): string {
  if (consumers === 0 || foreignConsumers === null) return "";
  return foreignConsumers === 0 ? " (ours)" : ` (${foreignConsumers} of others)`;
}

/** `1204` as `1 204`. */
function spaced(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, " ");
}

function blockedLines({ action, blocked }: PlanEntry): readonly string[] {
  if (!blocked) return [];
  const { reason, flags } = blocked;
  const word = action === "kept" ? "kept" : "blocked";
  return [`${word}: ${reason}${flags.length === 0 ? "" : `; needs ${flags.join(" ")}`}`];
}
