/**
 * What can be found out over AMQP alone, of the objects that were asked for: whether each is there,
 * and what it is like, by declaring it as it is wanted. A declaration of what is there changes
 * nothing; of what is not there nothing is declared.
 */
import type { BrokerConnection } from "../../broker-connection.ts";
import type { Arguments } from "../../topology.ts";
import { type Operate, onChannels, type Refusal } from "../change/channels.ts";
import { describeRefusal, type Needs } from "../change/refusal.ts";
import type { Hidden, LiveExchange, LiveQueue } from "../live.ts";
import { NO_COUNTS } from "../live.ts";
import type { DesiredExchange, DesiredObjects, DesiredQueue } from "../objects.ts";
import { NOT_FOUND, RESOURCE_LOCKED } from "../reply-codes.ts";
import type { Owned } from "../state/record.ts";
import { toFieldTable } from "../wire.ts";
import { type Declaration, type Resolved, resolveLive } from "./resolve.ts";

export type Probed = {
  readonly exchanges: ReadonlyMap<string, LiveExchange | Hidden>;
  readonly queues: ReadonlyMap<string, LiveQueue | Hidden>;
  /** What was not looked at, in words. */
  readonly unseen: readonly string[];
};

/** @throws {Error} when the connection ends, or an answer is late. */
export async function probe(
  connection: BrokerConnection,
  desired: DesiredObjects,
  owned: Owned,
): Promise<Probed> {
  const exchanges = asked(desired.exchanges, owned.exchanges);
  const former = desired.queues.flatMap(({ was }) => (was === null ? [] : [was]));
  const queues = asked(desired.queues, [...owned.queues, ...former]);
  const found = {
    exchanges: await onChannels(connection, exchanges, probeExchange),
    queues: await onChannels(connection, queues, probeQueue),
  };
  return {
    exchanges: byName(exchanges, found.exchanges),
    queues: byName(queues, found.queues),
    unseen: UNSEEN,
  };
}

const UNSEEN = [
  "bindings: AMQP can't list them",
  "objects that neither the file nor the state names, and policies: AMQP can't list them",
  "unacknowledged messages, and whose consumers there are",
  "arguments that brokers don't compare: of exchanges all but alternate-exchange, of queues the unknown ones; and all of an external object, and of an exchange that the file no longer has",
];

/** A declaration of any other type would end the connection, up to 3.12, if the broker lacks it. */
const CORE_TYPES: ReadonlySet<string> = new Set(["direct", "fanout", "topic", "headers"]);

type Asked<Desired> = {
  readonly name: string;
  /** null: it is ours, and no longer wanted. */
  readonly desired: Desired | null;
};

function asked<Desired extends { readonly name: string }>(
  desired: readonly Desired[],
  others: readonly string[],
): readonly Asked<Desired>[] {
  const all = new Map<string, Desired | null>(others.map((name) => [name, null]));
  for (const one of desired) all.set(one.name, one);
  return [...all].map(([name, one]) => ({ name, desired: one }));
}

function byName<Found>(
  objects: readonly { readonly name: string }[],
  found: readonly (Found | null)[],
): ReadonlyMap<string, Found> {
  return new Map(
    objects.flatMap(({ name }, index) => {
      const one = found[index];
      return one === null || one === undefined ? [] : [[name, one] as const];
    }),
  );
}

async function probeExchange(
  { name, desired }: Asked<DesiredExchange>,
  operate: Operate,
): Promise<LiveExchange | Hidden | null> {
  const passive = await operate(`find exchange ${name}`, (channel) => channel.checkExchange(name));
  if (!passive.ok) return unlessAbsent(passive.refusal);
  const resolved = desired && !desired.isExternal && (await resolveExchange(desired, operate));
  if (resolved && !resolved.ok)
    return hidden(resolved.refusal, needsOf(desired, desired.arguments));
  const flags = resolved ? resolved.declaration.flags : flagsOf(desired);
  return {
    kind: "exchange",
    name,
    type: String(flags.type),
    durable: flags.durable === true,
    autoDelete: flags.auto_delete === true,
    internal: flags.internal === true,
    arguments: (resolved ? resolved.declaration.arguments : desired?.arguments) ?? {},
  };
}

function resolveExchange(desired: DesiredExchange, operate: Operate): Promise<Resolved> {
  const { name, type, arguments: args } = desired;
  const flags = { ...flagsOf(desired), type: CORE_TYPES.has(type) ? type : "direct" };
  return resolveLive({ flags, arguments: args }, async ({ flags: next, arguments: table }) => {
    const nextType = String(next.type);
    // It differs in its type already, and asking for more might end the connection.
    if (nextType !== type && !CORE_TYPES.has(nextType)) return null;
    const attempt = await operate(`declare exchange ${name}`, (channel) =>
      channel.assertExchange(name, nextType, {
        durable: next.durable === true,
        autoDelete: next.auto_delete === true,
        internal: next.internal === true,
        arguments: toFieldTable(table),
      }),
    );
    return attempt.ok ? null : attempt.refusal;
  });
}

/** Of one that is only known to be there, what a wanted one would have. */
function flagsOf(desired: DesiredExchange | null): Declaration["flags"] {
  const { type = "?", autoDelete = false, internal = false } = desired ?? {};
  return { type, durable: true, auto_delete: autoDelete, internal };
}

async function probeQueue(
  { name, desired }: Asked<DesiredQueue>,
  operate: Operate,
): Promise<LiveQueue | Hidden | null> {
  const known = {
    kind: "queue",
    name,
    durable: true,
    autoDelete: desired?.autoDelete ?? false,
    exclusive: false,
  } as const;
  const args = desired?.arguments ?? {};
  const passive = await operate(`find queue ${name}`, (channel) => channel.checkQueue(name));
  if (!passive.ok && passive.refusal.code === RESOURCE_LOCKED) {
    return { ...known, exclusive: true, arguments: args, counts: NO_COUNTS };
  }
  if (!passive.ok) return unlessAbsent(passive.refusal);
  const { messageCount: ready, consumerCount: consumers } = passive.value;
  const counts = { ...NO_COUNTS, ready, consumers };
  if (desired?.isExternal) return { ...known, arguments: args, counts };
  // Of one that is no longer wanted it counts as well what it is: some kinds are not to be removed.
  const wanted = desired ?? { name, autoDelete: false, arguments: {} };
  const resolved = await resolveQueue(wanted, operate);
  if (!resolved.ok) {
    return desired
      ? hidden(resolved.refusal, needsOf(desired, args))
      : { ...known, arguments: args, counts };
  }
  const { flags, arguments: live } = resolved.declaration;
  return {
    ...known,
    durable: flags.durable === true,
    autoDelete: flags.auto_delete === true,
    arguments: { "x-queue-type": "classic", ...live },
    counts,
  };
}

function resolveQueue(
  { name, autoDelete, arguments: args }: Pick<DesiredQueue, "name" | "autoDelete" | "arguments">,
  operate: Operate,
): Promise<Resolved> {
  const flags = { durable: true, auto_delete: autoDelete };
  return resolveLive({ flags, arguments: args }, async ({ flags: next, arguments: table }) => {
    const attempt = await operate(`declare queue ${name}`, (channel) =>
      channel.assertQueue(name, {
        durable: next.durable === true,
        autoDelete: next.auto_delete === true,
        arguments: toFieldTable(table),
      }),
    );
    return attempt.ok ? null : attempt.refusal;
  });
}

function unlessAbsent(refusal: Refusal): Hidden | null {
  return refusal.code === NOT_FOUND ? null : hidden(refusal);
}

function hidden(refusal: Refusal, needs: Needs = {}): Hidden {
  return { kind: "hidden", detail: describeRefusal(refusal, needs) };
}

/** What a declaration needs, by the object that a refusal names. */
function needsOf({ kind, name }: DesiredExchange | DesiredQueue, args: Arguments): Needs {
  const target = args[kind === "queue" ? "x-dead-letter-exchange" : "alternate-exchange"];
  if (typeof target !== "string") return { [`${kind} ${name}`]: "configure" };
  return { [`exchange ${target}`]: "write", [`${kind} ${name}`]: "configure or read" };
}
