/** The bindings of a queue that is replaced: each is at all times on one of the two at least. */
import type { ArgumentValue } from "../../topology.ts";
import { listRows } from "../inspect/row.ts";
import type { LiveBinding } from "../live.ts";
import { NOT_FOUND } from "../reply-codes.ts";
import { toFieldTable } from "../wire.ts";
import type { QueueBinding } from "./journal.ts";
import type { ReplaceRun } from "./run.ts";

type Listed = QueueBinding & Pick<LiveBinding, "propertiesKey">;

/**
 * What the queue is bound to, whoever did it; null: AMQP can't tell.
 *
 * @throws {WarrenError} `management-failed`, `management-refused`.
 */
export async function listBindings(
  { context: { management }, temporary }: ReplaceRun,
  queue: string,
): Promise<readonly Listed[] | null> {
  if (!management) return null;
  const rows = await listRows(management, "bindings");
  return rows
    .filter((row) => row.text("destination") === queue && row.text("destination_type") === "queue")
    .map((row) => ({
      source: row.text("source"),
      key: row.text("routing_key"),
      arguments: row.arguments("arguments"),
      propertiesKey: row.text("properties_key"),
    }))
    .filter(({ source }) => source !== "" && source !== temporary);
}

/** Bindings of a queue, and the queue that has them then. */
export type Rebinding = {
  readonly bindings: readonly QueueBinding[];
  readonly from: string;
  readonly to: string;
};

/**
 * Binds each to `to`, and takes it from `from` then: a message of the time between has two copies.
 *
 * @throws {WarrenError} `access-refused`, `broker-refused`, `interrupted`, `connection-failed`.
 */
export async function rebind(run: ReplaceRun, { bindings, from, to }: Rebinding): Promise<void> {
  for (const binding of bindings) {
    run.assertGoing();
    const begunMs = performance.now();
    await bind(run, to, binding);
    await unbind(run, from, binding);
    run.overlapMs += performance.now() - begunMs;
  }
  await removeRest(run, from, bindings);
  run.unboundMs = performance.now();
}

async function bind(run: ReplaceRun, queue: string, binding: QueueBinding): Promise<void> {
  const { source, key } = binding;
  const what = `bind ${source} -> ${queue}  ${key}`;
  const attempt = await run.channel.operate(what, (channel) =>
    channel.bindQueue(queue, source, key, toFieldTable(binding.arguments)),
  );
  if (attempt.ok) return;
  // With its exchange the binding was gone.
  const isExchangeGone =
    attempt.refusal.code === NOT_FOUND && /exchange/.test(attempt.refusal.text);
  if (!isExchangeGone) throw run.refused(what, attempt.refusal);
  run.notes.push(`exchange "${source}" is gone, and its binding with it`);
}

async function unbind(run: ReplaceRun, queue: string, binding: QueueBinding): Promise<void> {
  const { source, key } = binding;
  const what = `unbind ${source} -> ${queue}  ${key}`;
  const attempt = await run.channel.operate(what, (channel) =>
    channel.unbindQueue(queue, source, key, toFieldTable(binding.arguments)),
  );
  if (!attempt.ok && attempt.refusal.code !== NOT_FOUND) throw run.refused(what, attempt.refusal);
}

/**
 * AMQP unbinds nothing, and says nothing, where a number in the arguments has another type than ours.
 * The listing shows what is left, and by its key it goes.
 */
async function removeRest(
  run: ReplaceRun,
  queue: string,
  moved: readonly QueueBinding[],
): Promise<void> {
  const { management } = run.context;
  if (!management || moved.every(({ arguments: args }) => Object.values(args).every(isPlain)))
    return;
  const sources = new Set(moved.map(({ source, key }) => JSON.stringify([source, key])));
  for (const { source, key, propertiesKey } of (await listBindings(run, queue)) ?? []) {
    if (!sources.has(JSON.stringify([source, key]))) continue;
    if (propertiesKey === null) continue;
    await management.remove(["bindings", management.vhost, "e", source, "q", queue, propertiesKey]);
  }
}

function isPlain(value: ArgumentValue): boolean {
  return typeof value === "string" || typeof value === "boolean";
}
