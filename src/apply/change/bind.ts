/** Binds and unbinds. */
import type { ArgumentValue } from "../../topology.ts";
import type { LiveBinding } from "../live.ts";
import type { DesiredBinding } from "../objects.ts";
import type { PlanEntry } from "../planned.ts";
import { bindingId, type OwnedBinding } from "../state/record.ts";
import { toFieldTable } from "../wire.ts";
import type { Operate } from "./channels.ts";
import { type ChangeContext, visitEntries } from "./context.ts";
import { type Needs, overManagement, refusedResult } from "./refusal.ts";
import { type ApplyEntry, isRight, resultOf } from "./results.ts";

/**
 * Binds what is not there, or can't be seen.
 *
 * @param objects the results of exchanges and queues: what was refused there is bound to nothing.
 */
export async function bindAll(
  context: ChangeContext,
  entries: readonly PlanEntry[],
  objects: readonly ApplyEntry[],
): Promise<readonly ApplyEntry[]> {
  const absent = new Set(objects.filter((one) => !isRight(one)).map(titleOf));
  const created = new Set(objects.filter(({ result }) => result === "created").map(titleOf));
  const isSeen = context.live.bindings !== null;
  return await visitEntries(context, entries, async (entry, operate) => {
    const desired = entry.desired as DesiredBinding;
    const ends = endsOf(desired);
    const missing = ends.filter((end) => absent.has(end));
    if (missing.length > 0) {
      return resultOf(entry, "refused", `not bound, since ${missing.join(" and ")} is not there`);
    }
    const attempt = await operate(`bind ${entry.name}`, (channel) => {
      const { source, destination, destinationKind, key } = desired;
      const table = toFieldTable(desired.arguments);
      return destinationKind === "queue"
        ? channel.bindQueue(destination, source, key, table)
        : channel.bindExchange(destination, source, key, table);
    });
    if (!attempt.ok) return refusedResult(entry, attempt.refusal, needsOf(desired));
    const isNew = entry.action === "bind" && (isSeen || ends.some((end) => created.has(end)));
    return resultOf(entry, isNew ? "created" : "ensured");
  });
}

/** Unbinds what is not in the file. */
export async function unbindAll(
  context: ChangeContext,
  entries: readonly PlanEntry[],
): Promise<readonly ApplyEntry[]> {
  const ours = new Set(context.owned.bindings.map(bindingId));
  return await visitEntries(context, entries, async (entry, operate) => {
    const binding = entry.binding as LiveBinding;
    if (isPlain(binding.arguments, ours.has(bindingId(binding))) || !context.management) {
      return await unbind(entry, binding, operate);
    }
    return await removeBinding(context, entry, binding, operate);
  });
}

/**
 * Whether AMQP names exactly this binding: an argument's type is a part of its identity. A number
 * has many, and what somebody else bound may have one that no listing shows.
 */
function isPlain(args: LiveBinding["arguments"], isOurs: boolean): boolean {
  const values = Object.values(args);
  return values.length === 0 || (isOurs && values.every(isPlainValue));
}

function isPlainValue(value: ArgumentValue): boolean {
  return typeof value === "string" || typeof value === "boolean";
}

async function unbind(
  entry: PlanEntry,
  binding: LiveBinding,
  operate: Operate,
): Promise<ApplyEntry> {
  const { source, destination, destinationKind, key } = binding;
  const table = toFieldTable(binding.arguments);
  const attempt = await operate(`unbind ${entry.name}`, (channel) =>
    destinationKind === "queue"
      ? channel.unbindQueue(destination, source, key, table)
      : channel.unbindExchange(destination, source, key, table),
  );
  return attempt.ok
    ? resultOf(entry, "unbound")
    : refusedResult(entry, attempt.refusal, needsOf(binding));
}

async function removeBinding(
  { management }: ChangeContext,
  entry: PlanEntry,
  binding: LiveBinding,
  operate: Operate,
): Promise<ApplyEntry> {
  const { source, destination, destinationKind, propertiesKey } = binding;
  if (!management || propertiesKey === null) return await unbind(entry, binding, operate);
  const kind = destinationKind === "queue" ? "q" : "e";
  const path = ["bindings", management.vhost, "e", source, kind, destination, propertiesKey];
  return await overManagement(entry, "unbound", () => management.remove(path));
}

function titleOf({ kind, name }: ApplyEntry): string {
  return `${kind} ${name}`;
}

function endsOf({ source, destination, destinationKind }: OwnedBinding): readonly string[] {
  return [`exchange ${source}`, `${destinationKind} ${destination}`];
}

function needsOf({ source, destination, destinationKind }: OwnedBinding): Needs {
  return { [`exchange ${source}`]: "read", [`${destinationKind} ${destination}`]: "write" };
}
