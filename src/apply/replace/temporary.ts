/** The queue that holds the messages meanwhile, and the exchange through which copies get there. */
import { NUMBERS } from "../../numbers.ts";
import type { Arguments } from "../../topology.ts";
import { queueTypeOf } from "../plan/queue-type.ts";
import { toFieldTable } from "../wire.ts";
import type { ReplaceRun } from "./run.ts";

const PRIORITY = "x-max-priority";
/** What expires there on its own is a dead letter, as it would be in the queue. */
const DEAD_LETTERS = ["x-dead-letter-exchange", "x-dead-letter-routing-key"];

/** It keeps everything for as long as it takes: no time to live, no limit. */
export function temporaryArguments(from: Arguments, to: Arguments): Arguments {
  const isQuorum = queueTypeOf({ arguments: to }) === "quorum";
  const kept = DEAD_LETTERS.filter((name) => to[name] !== undefined);
  const hasPriorities = !isQuorum && from[PRIORITY] !== undefined && to[PRIORITY] !== undefined;
  const names = hasPriorities ? [...kept, PRIORITY] : kept;
  return {
    "x-queue-type": isQuorum ? "quorum" : "classic",
    ...(isQuorum && {
      "x-delivery-limit": NUMBERS.parkedDeliveryLimit,
      // Else a policy could have it hold dead letters, which AMQP does not count.
      "x-dead-letter-strategy": "at-most-once",
    }),
    ...Object.fromEntries(names.map((name) => [name, to[name] as Arguments[string]])),
  };
}

/**
 * Declares both; the exchange leads nowhere yet. To do it again changes nothing.
 *
 * @throws {WarrenError} `access-refused`, `broker-refused`, `connection-failed`.
 */
export async function declareTemporary(run: ReplaceRun): Promise<void> {
  const { temporary: name, journal } = run;
  const table = toFieldTable(temporaryArguments(journal.from, journal.to));
  const queue = await run.channel.operate(`declare queue ${name}`, (channel) =>
    channel.assertQueue(name, { durable: true, arguments: table }),
  );
  if (!queue.ok) throw run.refused(`declare queue "${name}"`, queue.refusal);
  const exchange = await run.channel.operate(`declare exchange ${name}`, (channel) =>
    // A copy keeps its routing key, by which the broker may have to route it as a dead letter.
    channel.assertExchange(name, "fanout", { durable: true }),
  );
  if (!exchange.ok) throw run.refused(`declare exchange "${name}"`, exchange.refusal);
}

/** Lets copies go to this queue, and no longer to the other one. @throws {WarrenError} as `declareTemporary`. */
export async function lead(
  run: ReplaceRun,
  { to, notTo }: { readonly to: string; readonly notTo: string },
): Promise<void> {
  const { temporary: exchange } = run;
  const bound = await run.channel.operate(`bind ${exchange} -> ${to}`, (channel) =>
    channel.bindQueue(to, exchange, ""),
  );
  if (!bound.ok) throw run.refused(`bind "${to}" to exchange "${exchange}"`, bound.refusal);
  const unbound = await run.channel.operate(`unbind ${exchange} -> ${notTo}`, (channel) =>
    channel.unbindQueue(notTo, exchange, ""),
  );
  if (!unbound.ok) throw run.refused(`unbind "${notTo}" from "${exchange}"`, unbound.refusal);
}

/** With its bindings; it may be gone. @throws {WarrenError} as `declareTemporary`. */
export async function deleteExchange(run: ReplaceRun): Promise<void> {
  const { temporary: name } = run;
  const attempt = await run.channel.operate(`delete exchange ${name}`, (channel) =>
    channel.deleteExchange(name),
  );
  if (!attempt.ok) throw run.refused(`delete exchange "${name}"`, attempt.refusal);
}
