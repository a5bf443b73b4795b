/**
 * The project's lock: an exclusive queue on the connection that changes things. The broker gives it
 * to one connection alone and takes it back when that ends, and then that connection can change
 * nothing any more either: no stale holder is ever to be fenced off.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Channel } from "amqplib";
import type { BrokerConnection } from "../../broker-connection.ts";
import { WarrenError } from "../../errors.ts";
import { OwnChannel, type Refusal } from "../change/channels.ts";
import type { Management } from "../inspect/management.ts";
import { ACCESS_REFUSED, RESOURCE_LOCKED } from "../reply-codes.ts";
import { lockQueue } from "./record.ts";

export type LockOptions = {
  /** `ci@runner-3`: kept in the lock's arguments, for those who wait. */
  readonly holder: string;
  /** How long to wait for another holder; 0: not at all. */
  readonly timeoutMs: number;
  /** Ends the waiting. */
  readonly signal?: AbortSignal;
  /** Asks the broker who has it, where something can tell; null: nobody knows. */
  readonly askHolder?: () => Promise<string | null>;
};

/** The argument of the lock that says who holds it. */
export const HOLDER_ARGUMENT = "x-warren-holder";
/** And since when, ISO 8601. */
export const SINCE_ARGUMENT = "x-warren-since";

/**
 * Gives the lock back before the connection ends: 4.3 frees what a connection leaves behind some
 * time after its end. What can't be done now the end will do.
 */
export async function releaseLock(connection: BrokerConnection, project: string): Promise<void> {
  if (connection.isBlocked) return;
  const channel = new OwnChannel(connection);
  const release = (open: Channel) => open.deleteQueue(lockQueue(project));
  await channel.operate("give the lock back", release).catch(() => undefined);
  await channel.close();
}

/** Who holds the project's lock, and since when, as its arguments say; null: nobody, or unknown. */
export async function describeHolder(
  { get, vhost }: Pick<Management, "get" | "vhost">,
  project: string,
): Promise<string | null> {
  const queue = (await get(["queues", vhost, lockQueue(project)])) as LockRow | undefined;
  const { [HOLDER_ARGUMENT]: holder, [SINCE_ARGUMENT]: since } = queue?.arguments ?? {};
  return typeof holder === "string" ? `${holder}, since ${String(since)}` : null;
}

type LockRow = { readonly arguments?: Readonly<Record<string, unknown>> };

/**
 * Between two tries, in milliseconds: the broker frees the lock of a dead holder in 20. Each try is
 * an error in the broker's log, so whoever waits long tries less often: a tenth of what it has waited.
 */
const RETRY_MS = { least: 50, spread: 50, most: 500 };

/**
 * Takes the project's lock, for as long as the connection lives. The connection needs a heartbeat:
 * one that has frozen keeps its locks for three of them.
 *
 * @throws {WarrenError} `lock-held`, `access-refused`, `broker-refused`.
 */
export async function takeLock(
  connection: BrokerConnection,
  project: string,
  options: LockOptions,
): Promise<void> {
  const channel = new OwnChannel(connection);
  const beganAt = performance.now();
  for (;;) {
    options.signal?.throwIfAborted();
    const refusal = await tryLock(channel, project, options.holder);
    if (!refusal) break;
    if (refusal.code !== RESOURCE_LOCKED) throw notAllowed(project, refusal);
    const waitedMs = performance.now() - beganAt;
    if (waitedMs >= options.timeoutMs) throw await heldError(project, options);
    const { least, spread, most } = RETRY_MS;
    const pauseMs = Math.min(most, Math.max(least, waitedMs / 10)) + Math.random() * spread;
    await sleep(pauseMs, undefined, options.signal && { signal: options.signal });
  }
  await channel.close();
}

async function tryLock(
  channel: OwnChannel,
  project: string,
  holder: string,
): Promise<Refusal | null> {
  const name = lockQueue(project);
  const attempt = await channel.operate("take the lock", (open) =>
    open.assertQueue(name, {
      exclusive: true,
      durable: false,
      arguments: {
        // Never a vhost's default: a quorum queue can't be exclusive.
        "x-queue-type": "classic",
        [HOLDER_ARGUMENT]: holder,
        [SINCE_ARGUMENT]: new Date().toISOString(),
      },
    }),
  );
  return attempt.ok ? null : attempt.refusal;
}

function notAllowed(project: string, { code, text }: Refusal): WarrenError {
  const message = `no lock "${lockQueue(project)}": ${code} ${text}`;
  return new WarrenError(code === ACCESS_REFUSED ? "access-refused" : "broker-refused", message);
}

async function heldError(
  project: string,
  { timeoutMs, askHolder }: LockOptions,
): Promise<WarrenError> {
  // Nobody waits for an answer to a question beside the point.
  const holder = (await askHolder?.().catch(() => null)) ?? "another connection";
  const text = `"${lockQueue(project)}" is held by ${holder}, waited for ${timeoutMs} ms`;
  return new WarrenError("lock-held", text);
}
