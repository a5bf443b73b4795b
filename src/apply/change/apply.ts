/**
 * The additive part of apply: declares what is missing, and stops before the first change when an
 * object of the same name differs. It never deletes and never replaces.
 */
import type { Channel, Options } from "amqplib";
import type { BrokerConnection } from "../../broker-connection.ts";
import { connectBroker } from "../../connect.ts";
import { type Place, WarrenError } from "../../errors.ts";
import type { Topology } from "../../topology.ts";
import { type Declaration, type Difference, findDifferences } from "../inspect/differences.ts";
import {
  type DesiredBinding,
  type DesiredExchange,
  type DesiredQueue,
  desiredObjects,
} from "../objects.ts";
import { toFieldTable } from "../wire.ts";
import { type Attempt, type Operate, onChannels, type Refusal } from "./channels.ts";

/**
 * | result    | the object |
 * |-----------|------------|
 * | created   | was missing, and is there now |
 * | unchanged | was there and is equal |
 * | ensured   | a binding between objects that existed: AMQP does not tell whether it was there |
 * | conflict  | is there and differs, in `differences` |
 * | missing   | external, and not there |
 * | refused   | the broker's refusal, in `detail` |
 */
export type ApplyEntry = {
  readonly kind: "exchange" | "queue" | "binding";
  readonly name: string;
  readonly result: "created" | "unchanged" | "ensured" | "conflict" | "missing" | "refused";
  readonly differences?: readonly Difference[];
  readonly detail?: string;
  readonly at: Place;
};

export type ApplyReport = {
  /** `rabbitmq 3.10.8 at amqp://guest@127.0.0.1:5672` */
  readonly broker: string;
  readonly entries: readonly ApplyEntry[];
  /** Nothing is in conflict, missing or refused. */
  readonly isDone: boolean;
};

type DesiredObject = DesiredExchange | DesiredQueue;
type State = "absent" | ApplyEntry;

/**
 * Brings the broker up to the topology, on a connection of its own: some refusals of a broker close
 * the whole connection.
 *
 * @param signal ends it at once.
 * @throws {WarrenError} `access-refused`, `connection-failed`, `unknown-exchange-type`.
 */
export async function applyTopology(
  topology: Topology,
  signal?: AbortSignal,
): Promise<ApplyReport> {
  const name = `warren ${topology.project} apply`;
  const connection = await connectBroker({ ...topology.broker, name, ...(signal && { signal }) });
  const giveUp = () => connection.destroy("given up");
  signal?.addEventListener("abort", giveUp);
  try {
    return await applyOn(connection, topology);
  } finally {
    signal?.removeEventListener("abort", giveUp);
    await connection.close();
  }
}

async function applyOn(connection: BrokerConnection, topology: Topology): Promise<ApplyReport> {
  const { product, version, address } = connection;
  const broker = `${product} ${version} at ${address.shown}`;
  try {
    const entries = await applyObjects(connection, topology);
    return { broker, entries, isDone: entries.every(isGood) };
  } catch (error) {
    throw error instanceof WarrenError ? error : await explainEnd(connection, topology, error);
  }
}

function isGood({ result }: ApplyEntry): boolean {
  return result === "created" || result === "unchanged" || result === "ensured";
}

async function applyObjects(
  connection: BrokerConnection,
  topology: Topology,
): Promise<readonly ApplyEntry[]> {
  const desired = desiredObjects(topology);
  const objects: readonly DesiredObject[] = [...desired.exchanges, ...desired.queues];
  const states = await onChannels(connection, objects, inspect);
  const found = states.filter((state) => state !== "absent");
  if (!found.every(isGood)) return found;

  const absent = new Set(objects.filter((_, index) => states[index] === "absent"));
  const isAbsent = (object: DesiredObject) => absent.has(object);
  const exchanges = await onChannels(connection, desired.exchanges.filter(isAbsent), create);
  const queues = await onChannels(connection, desired.queues.filter(isAbsent), create);
  const declared = [...found, ...exchanges, ...queues];
  if (!declared.every(isGood)) return declared;

  const created = new Set([...exchanges, ...queues].map(({ kind, name }) => `${kind} ${name}`));
  const bindings = await onChannels(connection, desired.bindings, (binding, operate) =>
    bind(binding, operate, created),
  );
  return [...declared, ...bindings];
}

/** Whether it exists, and if so whether it is equal: declaring an equal object changes nothing. */
async function inspect(object: DesiredObject, operate: Operate): Promise<State> {
  const passive = await operate(`find ${title(object)}`, (channel) => find(channel, object));
  if (!passive.ok && passive.refusal.code === 404) {
    return object.isExternal ? entry(object, "missing") : "absent";
  }
  if (!passive.ok) return refused(object, passive.refusal);
  if (object.isExternal) return entry(object, "unchanged");

  const attempt = await declare(object, declarationOf(object), operate);
  return attempt.ok ? entry(object, "unchanged") : explain(object, attempt.refusal, operate);
}

async function create(object: DesiredObject, operate: Operate): Promise<ApplyEntry> {
  const attempt = await declare(object, declarationOf(object), operate);
  if (attempt.ok) return entry(object, "created");
  const { text } = attempt.refusal;
  if (object.kind === "exchange" && /unknown exchange type/.test(text)) throw unknownType(object);
  // Somebody else has declared it meanwhile, and otherwise.
  return await explain(object, attempt.refusal, operate);
}

/** Why a declaration was refused; where an object of that name differs, in what. */
async function explain(
  object: DesiredObject,
  refusal: Refusal,
  operate: Operate,
): Promise<ApplyEntry> {
  if (refusal.code !== 406) return refused(object, refusal);
  const declaration = declarationOf(object);
  const differences = await findDifferences(declaration, refusal.text, async (other) => {
    const again = await declare(object, other, operate);
    return again.ok ? null : again.refusal.text;
  });
  return { ...entry(object, "conflict"), differences };
}

async function bind(
  binding: DesiredBinding,
  operate: Operate,
  created: ReadonlySet<string>,
): Promise<ApplyEntry> {
  const { source, destination, destinationKind, key, at } = binding;
  const table = toFieldTable(binding.arguments);
  const name = `${source} -> ${destination}  ${key}`;
  const attempt = await operate(`bind ${name}`, (channel) =>
    destinationKind === "queue"
      ? channel.bindQueue(destination, source, key, table)
      : channel.bindExchange(destination, source, key, table),
  );
  if (!attempt.ok) {
    return { kind: "binding", name, at, result: "refused", detail: attempt.refusal.text };
  }
  const isNew =
    created.has(`exchange ${source}`) || created.has(`${destinationKind} ${destination}`);
  return { kind: "binding", name, at, result: isNew ? "created" : "ensured" };
}

function find(channel: Channel, { kind, name }: DesiredObject): Promise<unknown> {
  return kind === "queue" ? channel.checkQueue(name) : channel.checkExchange(name);
}

function declarationOf(object: DesiredObject): Declaration {
  const flags =
    object.kind === "queue"
      ? { durable: true, auto_delete: false }
      : {
          type: object.type,
          durable: true,
          auto_delete: object.autoDelete,
          internal: object.internal,
        };
  return { flags, arguments: object.arguments };
}

function declare(
  object: DesiredObject,
  declaration: Declaration,
  operate: Operate,
): Promise<Attempt<unknown>> {
  const table = toFieldTable(declaration.arguments);
  const { flags } = declaration;
  return operate<unknown>(`declare ${title(object)}`, (channel) => {
    if (object.kind === "queue") {
      return channel.assertQueue(object.name, { durable: true, arguments: table });
    }
    const options: Options.AssertExchange = {
      durable: true,
      autoDelete: object.autoDelete,
      internal: object.internal,
      arguments: table,
    };
    return channel.assertExchange(object.name, String(flags.type), options);
  });
}

function title({ kind, name }: DesiredObject): string {
  return `${kind} ${name}`;
}

function entry(object: DesiredObject, result: ApplyEntry["result"]): ApplyEntry {
  return { kind: object.kind, name: object.name, result, at: object.at };
}

function refused(object: DesiredObject, refusal: Refusal): ApplyEntry {
  return { ...entry(object, "refused"), detail: `${refusal.code} ${refusal.text}` };
}

/** Brokers up to 3.12 close the whole connection over an exchange type that they do not know. */
async function explainEnd(
  connection: BrokerConnection,
  topology: Topology,
  error: unknown,
): Promise<WarrenError> {
  connection.destroy("apply failed");
  const reason = await connection.ended;
  const type = /unknown exchange type '(.*?)'/.exec(`${reason.message} ${error}`)?.[1];
  const exchange = Object.values(topology.exchanges).find((one) => one.type === type);
  if (exchange) return unknownType(exchange);
  const text = `the connection ended: ${reason.message}`;
  return new WarrenError("connection-failed", text, { cause: error });
}

function unknownType({ name, type, at }: Pick<DesiredExchange, "name" | "type" | "at">) {
  const text = `exchange "${name}" has type "${type}", which this broker does not know`;
  return new WarrenError("unknown-exchange-type", text, { at });
}
