/**
 * Random operations of many clients, some of which can't even speak AMQP: in rounds, after each of
 * which everything is deleted, so that the broker has to be as it was.
 */
import { setTimeout as delay } from "node:timers/promises";
import { openManagement } from "../../support/management.ts";
import { createRandom, type Random } from "../../support/random.ts";
import { waitFor } from "../../support/wait-for.ts";
import { garble, inputs } from "../bad-inputs.ts";
import { type BrokerProcess, type Measured, startBrokerProcess } from "../broker-process.ts";
import { end, openSocket } from "../sockets.ts";
import { Actor } from "./actor.ts";
import { createSeen, type Seen } from "./seen.ts";

export type SoakOptions = {
  readonly rounds: number;
  readonly roundSeconds: number;
  readonly seed: number;
  /** Is told how it goes. */
  readonly note: (text: string) => void;
};

export type SoakReport = {
  /** Before anything, and after each round. */
  readonly measured: readonly Measured[];
  readonly operations: number;
  /** What must not happen. */
  readonly problems: readonly string[];
};

const VHOST = "soak";
const ACTORS = 12;
const INTRUDERS = 2;
/** Of a queue; then it is purged, since nobody has to consume. */
const MAX_MESSAGES = 3_000;
/** More than the first round has left is a leak: what the engine itself learns takes some as well. */
const MAX_GROWTH_BYTES = 5 * 1024 * 1024;

/** Ends in time also if the broker does not. */
export async function runSoak({
  rounds,
  roundSeconds,
  seed,
  note,
}: SoakOptions): Promise<SoakReport> {
  const broker = await startBrokerProcess();
  const seen = createSeen();
  const measured = [await broker.measure()];
  note(`seed ${seed}; at the start ${describe(measured)}`);
  try {
    for (let round = 1; round <= rounds && seen.problems.length === 0; round++) {
      await playRound(broker, createRandom(seed + round), seen, roundSeconds);
      measured.push(await restOf(broker));
      note(`after round ${round} ${describe(measured)}`);
    }
    check(measured, seen);
  } catch (error) {
    seen.problem(String(error));
  } finally {
    if (!broker.isRunning) seen.problem("the broker has ended");
    await broker.stop();
  }
  const counts = [...seen.counts].sort(([a], [b]) => (a < b ? -1 : 1));
  note(counts.map(([what, count]) => `${what} ${count}`).join(", "));
  const operations = counts.reduce((sum, [, count]) => sum + count, 0);
  return { measured, operations, problems: seen.problems };
}

async function playRound(broker: BrokerProcess, random: Random, seen: Seen, seconds: number) {
  const stopAt = performance.now() + seconds * 1_000;
  const isGoingOn = () => performance.now() < stopAt && broker.isRunning;
  const seeds = random.list(ACTORS + INTRUDERS, () => random.below(2 ** 31));
  const parts = seeds.map((seed, at) => {
    const own = createRandom(seed);
    return at < ACTORS ? act(broker, own, seen, isGoingOn) : intrude(broker, own, seen, isGoingOn);
  });
  await Promise.all([...parts, tidy(broker, isGoingOn)]);
  const management = openManagement(broker.managementUrl);
  // What was garbled may have declared something as well.
  for (const vhost of [VHOST, "%2F"]) await management.remove(`vhosts/${vhost}`);
}

async function act({ url }: BrokerProcess, random: Random, seen: Seen, isGoingOn: () => boolean) {
  const actor = new Actor(`${url}/${VHOST}`, random, seen);
  while (isGoingOn()) await actor.act();
  await actor.disconnect(random.below(2) === 0).catch(() => undefined);
}

/** Says what makes no sense. */
async function intrude(
  { port }: BrokerProcess,
  random: Random,
  seen: Seen,
  isGoingOn: () => boolean,
) {
  const all = inputs();
  while (isGoingOn()) {
    const socket = await openSocket(port);
    for (let left = random.below(4); left > 0; left--) {
      socket.write(garble(random, random.pick(all)));
      await delay(random.below(20));
    }
    await end(socket);
    seen.count("garbled");
  }
}

type Listed = { readonly name: string; readonly type: string; readonly messages: number };

/** Nobody has to consume, but what nobody consumes must not fill the broker. */
async function tidy(broker: BrokerProcess, isGoingOn: () => boolean) {
  const management = openManagement(broker.managementUrl);
  const actor = new Actor(`${broker.url}/${VHOST}`, createRandom(0), createSeen());
  for (; isGoingOn(); await delay(250)) {
    const queues = (await management.get<Listed[]>(`queues/${VHOST}`)) ?? [];
    for (const { name } of queues.filter(({ messages }) => messages > MAX_MESSAGES)) {
      const channel = await actor.open();
      await channel.deleteQueue(name).catch(() => undefined);
    }
  }
  await actor.disconnect(true);
}

/** What is left once all have gone. */
async function restOf(broker: BrokerProcess): Promise<Measured> {
  const isAlone = async (seen: <V>(value: V) => V) => {
    const measured = seen(await broker.measure());
    return measured.sockets === 0 && measured.timers <= 1 && measured;
  };
  return await waitFor(isAlone, { everyMs: 250, what: "all sockets and timers to be gone" });
}

function check(measured: readonly Measured[], { problem }: Seen): void {
  const [, first, ...others] = measured;
  const last = others.at(-1);
  if (!first || !last) return;
  const growth = last.usedBytes - first.usedBytes;
  if (growth > MAX_GROWTH_BYTES) problem(`it takes ${mib(growth)} MiB more than after one round`);
}

function describe(measured: readonly Measured[]): string {
  const { usedBytes, peakBytes, sockets, timers } = measured.at(-1) as Measured;
  return `it takes ${mib(usedBytes)} MiB (at most ${mib(peakBytes)} of the machine's), ${sockets} sockets, ${timers} timers`;
}

function mib(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(1);
}
