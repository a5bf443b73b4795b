/** Declares exchanges and queues that are not there. */
import type { Arguments } from "../../topology.ts";
import { unknownType } from "../connection-ended.ts";
import type { Live } from "../live.ts";
import type { DesiredExchange, DesiredQueue } from "../objects.ts";
import type { PlanEntry } from "../planned.ts";
import { PRECONDITION_FAILED } from "../reply-codes.ts";
import { toFieldTable } from "../wire.ts";
import type { Attempt, Operate } from "./channels.ts";
import { type ChangeContext, visitEntries } from "./context.ts";
import { type Needs, refusedResult } from "./refusal.ts";
import { type ApplyEntry, resultOf } from "./results.ts";

/** In parallel: a declaration needs no other object. */
export function declareAll(
  context: ChangeContext,
  entries: readonly PlanEntry[],
): Promise<readonly ApplyEntry[]> {
  return visitEntries(context, entries, declare);
}

/**
 * Before anything is declared, where the broker can tell: brokers up to 3.12 close the whole
 * connection over a type that they do not know.
 *
 * @throws {WarrenError} `unknown-exchange-type`
 */
export function assertTypesKnown(
  exchanges: readonly DesiredExchange[],
  { exchangeTypes }: Pick<Live, "exchangeTypes">,
): void {
  const unknown = exchanges.find(
    ({ type, isExternal }) => !isExternal && exchangeTypes?.includes(type) === false,
  );
  if (unknown) throw unknownType(unknown);
}

async function declare(entry: PlanEntry, operate: Operate): Promise<ApplyEntry> {
  const { desired } = entry;
  if (desired?.kind !== "exchange" && desired?.kind !== "queue") throw new Error("not declared");
  const attempt = await declareDesired(desired, operate);
  if (attempt.ok) return resultOf(entry, "created");
  const { refusal } = attempt;
  if (desired.kind === "exchange" && /unknown exchange type/.test(refusal.text)) {
    throw unknownType(desired);
  }
  // Somebody else has declared it meanwhile, and otherwise.
  const isConflict = refusal.code === PRECONDITION_FAILED && /^inequivalent arg/.test(refusal.text);
  return isConflict
    ? resultOf(entry, "conflict", refusal.text)
    : refusedResult(entry, refusal, needsOf(desired));
}

function declareDesired(
  desired: DesiredExchange | DesiredQueue,
  operate: Operate,
): Promise<Attempt<unknown>> {
  const { kind, name } = desired;
  const table = toFieldTable(desired.arguments);
  return operate<unknown>(`declare ${kind} ${name}`, (channel) =>
    desired.kind === "queue"
      ? channel.assertQueue(name, {
          durable: true,
          autoDelete: desired.autoDelete,
          arguments: table,
        })
      : channel.assertExchange(name, desired.type, {
          durable: true,
          autoDelete: desired.autoDelete,
          internal: desired.internal,
          arguments: table,
        }),
  );
}

/** A queue that dead-letters needs read on itself, and write on where it does. */
function needsOf({ kind, name, arguments: args }: DesiredExchange | DesiredQueue): Needs {
  const target = textOf(args, kind === "queue" ? "x-dead-letter-exchange" : "alternate-exchange");
  if (target === null) return { [`${kind} ${name}`]: "configure" };
  return { [`${kind} ${name}`]: "configure or read", [`exchange ${target}`]: "write" };
}

function textOf(args: Arguments, key: string): string | null {
  const value = args[key];
  return typeof value === "string" ? value : null;
}
