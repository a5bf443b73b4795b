/** What is looked at before the first change: whether it can be done at all, and done without loss. */

import { counted } from "../../counted.ts";
import { WarrenError } from "../../errors.ts";
import { NUMBERS } from "../../numbers.ts";
import type { Arguments } from "../../topology.ts";
import { queueTypeOf } from "../plan/queue-type.ts";
import { toFieldTable } from "../wire.ts";
import { onSpare } from "./clear.ts";
import { trialQueue } from "./journal.ts";
import { consumersInTheWay, lookAt } from "./look.ts";
import { policiesOver } from "./policies.ts";
import type { ReplaceRun } from "./run.ts";

/** A trial that is left behind goes by itself. */
const TRIAL_MS = 60_000;

/**
 * @throws {WarrenError} `replace-blocked` with the reason; `access-refused` or `broker-refused` when
 *   the broker would not take the new queue.
 */
export async function preflight(run: ReplaceRun): Promise<void> {
  const { from, to } = run.journal;
  const types = [from, to].map((args) => queueTypeOf({ arguments: args }));
  if (types.includes("stream")) throw blocked(run, "a stream's messages cannot be moved");
  assertNames(run);
  if (!run.context.management) assertVisible(run);
  if (await lookAt(run, run.temporary)) {
    throw blocked(run, `there is a queue "${run.temporary}" already, and nobody knows whose`);
  }
  await assertRoom(run);
  await assertNoForeignConsumers(run);
  await assertNoPolicy(run);
  await tryArguments(run);
}

function blocked({ queue }: ReplaceRun, reason: string): WarrenError {
  return new WarrenError("replace-blocked", `queue "${queue}" can't be replaced: ${reason}`);
}

function assertNames(run: ReplaceRun): void {
  if (Buffer.byteLength(run.temporary) <= NUMBERS.maxNameBytes) return;
  const text = `the name "${run.temporary}", of the queue that holds its messages meanwhile, is too long`;
  throw blocked(run, text);
}

/** Dead letters that wait in a queue for a way out show in no count of AMQP. */
function assertVisible(run: ReplaceRun): void {
  if (run.journal.from["x-dead-letter-strategy"] !== "at-least-once") return;
  throw blocked(run, "over AMQP alone its dead letters that wait can't be seen");
}

/** @returns how many messages the new queue takes at most before it drops or refuses some. */
function limitOf(to: Arguments): number {
  const limit = to["x-max-length"];
  return typeof limit === "number" ? limit : Number.POSITIVE_INFINITY;
}

/** Without a consumer nothing would make room. */
async function assertRoom(run: ReplaceRun): Promise<void> {
  const look = await lookAt(run, run.queue);
  const limit = limitOf(run.journal.to);
  if (!look || look.consumers > 0 || look.ready <= limit) return;
  const text = `it holds ${counted(look.ready, "message")}, no consumer, and the new one is to hold ${limit}`;
  throw blocked(run, text);
}

/** Until those are listed that have just begun. */
const LISTED_MS = 10_000;

async function assertNoForeignConsumers(run: ReplaceRun): Promise<void> {
  const { queue } = run;
  const endsAt = performance.now() + LISTED_MS;
  for (;;) {
    const look = await lookAt(run, queue);
    const others = look?.consumers ?? 0;
    const found = await consumersInTheWay(run, { queue, others, mover: "" });
    if (!found) return;
    if (!found.isPassing || performance.now() > endsAt) throw blocked(run, found.reason);
    await run.pause(500);
  }
}

/** Of a policy, what makes a queue drop, refuse or end what it is to keep. */
const HARMFUL = ["max-length", "max-length-bytes", "expires"];

async function assertNoPolicy(run: ReplaceRun): Promise<void> {
  const object = { name: run.temporary, type: queueTypeOf({ arguments: run.journal.to }) };
  for (const policy of await policiesOver(run, object)) {
    const harmful = Object.keys(policy.definition).filter((key) => HARMFUL.includes(key));
    if (harmful.length === 0) continue;
    const text = `policy "${policy.name}" (${harmful.join(", ")}) would apply to "${run.temporary}", which has to keep everything: narrow its pattern meanwhile`;
    throw blocked(run, text);
  }
}

/**
 * A queue that exists is compared before its arguments are read at all, so only a new one shows
 * whether the broker takes them.
 */
async function tryArguments(run: ReplaceRun): Promise<void> {
  const name = trialQueue(run.queue);
  const table = toFieldTable({ ...run.journal.to, "x-expires": TRIAL_MS });
  const attempt = await onSpare(run, async (channel) => {
    const declared = await channel.operate(`declare queue ${name}`, (open) =>
      open.assertQueue(name, { durable: true, arguments: table }),
    );
    if (declared.ok) await channel.operate("delete it", (open) => open.deleteQueue(name));
    return declared;
  });
  if (!attempt.ok) throw run.refused(`declare queue "${name}", to try`, attempt.refusal);
}
