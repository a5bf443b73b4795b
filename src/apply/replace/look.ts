/** How a queue is at this moment: as AMQP says it live, and as the management API lists it. */

import { counted } from "../../counted.ts";
import { listConsumers } from "../inspect/consumers.ts";
import type { Management } from "../inspect/management.ts";
import { listRows } from "../inspect/row.ts";
import { NOT_FOUND } from "../reply-codes.ts";
import type { ReplaceRun } from "./run.ts";

/**
 * Live. Of a quorum queue: `consumers` are all that have messages in their hands, those that are
 * cancelled and those who got one included; and a leader that is busy or away is said to have 0 of both.
 */
export type QueueLook = {
  readonly ready: number;
  readonly consumers: number;
};

/** As the management API has it: of a quorum queue several seconds old. */
export type Totals = {
  readonly messages: number;
  readonly unacked: number;
  /** Neither ready nor unacknowledged: dead letters that have found no way yet. */
  readonly held: number;
};

/** null: there is no such queue. @throws {Error} when the connection ends. */
export async function lookAt(run: ReplaceRun, queue: string): Promise<QueueLook | null> {
  const attempt = await run.channel.operate(`look at ${queue}`, (channel) =>
    channel.checkQueue(queue),
  );
  if (attempt.ok) {
    return { ready: attempt.value.messageCount, consumers: attempt.value.consumerCount };
  }
  if (attempt.refusal.code === NOT_FOUND) return null;
  throw run.refused(`look at queue "${queue}"`, attempt.refusal);
}

/** null: they are not listed yet. @throws {WarrenError} `management-failed`, `management-refused`. */
export async function listTotals(management: Management, queue: string): Promise<Totals | null> {
  const rows = await listRows(management, "queues", {
    disable_stats: "true",
    enable_queue_totals: "true",
  });
  const row = rows.find((one) => one.text("name") === queue);
  const [messages, ready, unacked] = ["messages", "messages_ready", "messages_unacknowledged"].map(
    (key) => row?.count(key) ?? null,
  );
  if (messages == null || ready == null || unacked == null) return null;
  return { messages, unacked, held: messages - ready - unacked };
}

/** Why consumers forbid the deletion of their queue. */
export type InTheWay = {
  readonly reason: string;
  /** In a while more will be known of them: they are listed seconds after they have begun. */
  readonly isPassing: boolean;
};

/**
 * Those of others are in the way, and those of which nobody can tell; this project's runners are not:
 * they go on with the new queue. null: there are none.
 *
 * @param others how many there are, live, besides the mover.
 * @throws {WarrenError} `management-failed`, `management-refused`.
 */
export async function consumersInTheWay(
  { context: { management, project } }: ReplaceRun,
  {
    queue,
    others,
    mover,
  }: { readonly queue: string; readonly others: number; readonly mover: string },
): Promise<InTheWay | null> {
  if (others <= 0) return null;
  const unknown = `it has ${counted(others, "consumer")}, and nobody can tell whose`;
  if (!management) return { reason: unknown, isPassing: false };
  const { count } = await listConsumers(management, project);
  if (count(queue).foreignConsumers === null) return { reason: unknown, isPassing: false };
  const rows = await listRows(management, "consumers");
  const tags = rows
    .filter((row) => row.row("queue").text("name") === queue)
    .map((row) => row.text("consumer_tag"))
    .filter((tag) => tag !== mover);
  const foreign = tags.filter((tag) => !tag.startsWith(`warren.${project}.`));
  if (foreign.length > 0) {
    return { reason: `it has ${counted(foreign.length, "consumer")} of others`, isPassing: false };
  }
  return tags.length < others ? { reason: unknown, isPassing: true } : null;
}
