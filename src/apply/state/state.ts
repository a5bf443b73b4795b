/**
 * Where a project's state is kept: in the broker, as the one message of a queue. A new state takes
 * the old one's place inside the queue, so a crash leaves one of the two, and never none.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import type { Channel, ConsumeMessage } from "amqplib";
import type { BrokerConnection } from "../../broker-connection.ts";
import { withDeadline } from "../../broker-connection.ts";
import { messageOf, WarrenError } from "../../errors.ts";
import { NUMBERS } from "../../numbers.ts";
import { OwnChannel, type Refusal, readRefusal } from "../change/channels.ts";
import { ACCESS_REFUSED, NOT_FOUND } from "../reply-codes.ts";
import { type StateRecord, stateQueue } from "./record.ts";

/** From here on it is compressed. */
const PLAIN_BYTES = 64 * 1024;
/** Unpacked: a hundred times what a thousand queues need. */
const MAX_BYTES = 64 * 1024 * 1024;
const RETRY_MS = 50;

export type ReadOptions = { readonly signal?: AbortSignal; readonly timeoutMs?: number };

/**
 * The state of the last apply, which stays where it is; null: there is none, or it is lost.
 *
 * It is taken by an exclusive consumer: so another who reads at the same time is seen, and the
 * message in that one's hands is not taken for a lost one.
 *
 * @throws {WarrenError} `state-unreadable`, `access-refused`, `lock-held` when another reader
 *   doesn't give it back in time.
 */
export async function readState(
  connection: BrokerConnection,
  project: string,
  { signal, timeoutMs = NUMBERS.lockTimeoutMs }: ReadOptions = {},
): Promise<StateRecord | null> {
  const queue = stateQueue(project);
  const endsAt = performance.now() + timeoutMs;
  for (;;) {
    signal?.throwIfAborted();
    const channel = new OwnChannel(connection);
    const attempt = await channel.operate("read the state", (open) => take(open, queue));
    // Its end gives the message back.
    await channel.close();
    if (attempt.ok) return attempt.value && (await decode(attempt.value, project));
    const { refusal } = attempt;
    if (refusal.code === NOT_FOUND) return null;
    if (!isInUse(refusal)) throw refusedError(queue, refusal);
    if (performance.now() >= endsAt) {
      const text = `"${queue}" is in the hands of another consumer, waited for ${timeoutMs} ms`;
      throw new WarrenError("lock-held", text);
    }
    await sleep(RETRY_MS, undefined, signal && { signal });
  }
}

/**
 * Puts a state in the place of the last one; to be done by the holder of the lock alone, over the
 * connection that holds it.
 *
 * @throws {WarrenError} `access-refused`, `broker-refused`, `blocked`.
 */
export async function writeState(connection: BrokerConnection, record: StateRecord): Promise<void> {
  const queue = stateQueue(record.project);
  const declaring = new OwnChannel(connection);
  const declared = await declaring.operate("declare the state", (open) =>
    open.assertQueue(queue, {
      durable: true,
      // Classic on every broker: a quorum queue of 3.10 may fall back to an older state.
      arguments: { "x-queue-type": "classic", "x-max-length": { "!": "long", value: 1 } },
    }),
  );
  await declaring.close();
  if (!declared.ok) throw refusedError(queue, declared.refusal);
  if (connection.isBlocked) throw blocked(queue);
  await publish(connection, queue, await encode(record));
}

/** Deletes the state, with its queue. @throws {WarrenError} `access-refused`, `broker-refused`. */
export async function eraseState(connection: BrokerConnection, project: string): Promise<void> {
  const queue = stateQueue(project);
  const channel = new OwnChannel(connection);
  const attempt = await channel.operate("delete the state", (open) => open.deleteQueue(queue));
  await channel.close();
  if (!attempt.ok) throw refusedError(queue, attempt.refusal);
}

/** What the queue holds, or null: two calls that go through the queue prove that nothing comes. */
async function take(channel: Channel, queue: string): Promise<ConsumeMessage | null> {
  let message: ConsumeMessage | null = null;
  const accept = (delivered: ConsumeMessage | null) => {
    message ??= delivered;
  };
  await channel.consume(queue, accept, { exclusive: true });
  for (let call = 0; message === null && call < 2; call++) await channel.checkQueue(queue);
  return message;
}

type Content = { readonly bytes: Buffer; readonly encoding: "gzip" | null };

async function encode(record: StateRecord): Promise<Content> {
  const plain = Buffer.from(JSON.stringify(record));
  if (plain.length <= PLAIN_BYTES) return { bytes: plain, encoding: null };
  return { bytes: await promisify(gzip)(plain), encoding: "gzip" };
}

async function decode(message: ConsumeMessage, project: string): Promise<StateRecord> {
  const { content, properties } = message;
  const isPacked = properties.contentEncoding === "gzip";
  try {
    const bytes = isPacked
      ? await promisify(gunzip)(content, { maxOutputLength: MAX_BYTES })
      : content;
    return checked(JSON.parse(bytes.toString("utf8")), project);
  } catch (cause) {
    const text = `"${stateQueue(project)}" holds no state of this project: ${messageOf(cause)}`;
    throw new WarrenError("state-unreadable", text, { cause });
  }
}

/** Anybody may publish to the queue, and a newer warren may have. */
function checked(value: unknown, project: string): StateRecord {
  const record = value as Partial<StateRecord> | null;
  if (typeof record !== "object" || record === null) throw new Error("it is not an object");
  if (record.v !== 1) throw new Error(`its version is ${JSON.stringify(record.v)}, not 1`);
  if (record.project !== project) throw new Error(`it is of ${JSON.stringify(record.project)}`);
  const { owned } = record;
  const lists = [owned?.exchanges, owned?.queues, owned?.bindings, owned?.policies];
  if (!lists.every(Array.isArray) || !Number.isSafeInteger(record.generation)) {
    throw new Error("it lacks a part");
  }
  return record as StateRecord;
}

async function publish(
  connection: BrokerConnection,
  queue: string,
  { bytes, encoding }: Content,
): Promise<void> {
  const channel = await connection.createConfirmChannel();
  try {
    const confirmed = new Promise<void>((resolve, reject) => {
      // Comes before the confirm.
      channel.on("return", () => reject(new WarrenError("broker-refused", `"${queue}" is gone`)));
      channel.on("error", (error) => reject(closedError(queue, error)));
      channel.on("close", () => reject(new Error("the channel closed")));
      channel.publish(
        "",
        queue,
        bytes,
        {
          mandatory: true,
          persistent: true,
          contentType: "application/json",
          type: "warren.state",
          ...(encoding && { contentEncoding: encoding }),
        },
        (error: unknown) => (error ? reject(notTaken(queue, error)) : resolve()),
      );
    });
    await withDeadline(confirmed, "write the state", connection.destroy);
  } catch (error) {
    throw connection.isBlocked ? blocked(queue) : error;
  }
  await channel.close();
}

function isInUse({ code, text }: Refusal): boolean {
  return code === ACCESS_REFUSED && /in exclusive use/.test(text);
}

function refusedError(queue: string, { code, text }: Refusal): WarrenError {
  const isAccess = code === ACCESS_REFUSED;
  return new WarrenError(
    isAccess ? "access-refused" : "broker-refused",
    `"${queue}": ${code} ${text}`,
  );
}

/** Publishing needs write on the default exchange, which brokers call amq.default. */
function closedError(queue: string, error: unknown): unknown {
  const refusal = readRefusal(error);
  return refusal ? refusedError(queue, refusal) : error;
}

function notTaken(queue: string, error: unknown): WarrenError {
  return new WarrenError("broker-refused", `"${queue}" takes no state: ${messageOf(error)}`);
}

function blocked(queue: string): WarrenError {
  const text = `"${queue}" takes no state: the broker takes no publishes (memory or disk alarm)`;
  return new WarrenError("blocked", text);
}
