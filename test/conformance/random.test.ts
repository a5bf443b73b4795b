import { setTimeout as delay } from "node:timers/promises";
import { inspect, isDeepStrictEqual } from "node:util";
import { expect } from "vitest";
import { createRandom } from "../support/random.ts";
import { isBefore, test } from "./case.ts";
import { normalise } from "./observe.ts";
import { type Broker, nameVhost, withPeer } from "./peers.ts";
import { openPlayer, type Player } from "./player.ts";
import { type Operation, randomSequence, type Sequence } from "./sequences.ts";

/** WARREN_CONFORMANCE_SEED repeats a run; the number of sequences makes it long. */
const {
  WARREN_CONFORMANCE_SEED: seedGiven = `${Date.now() % 1_000_000}`,
  WARREN_CONFORMANCE_SEQUENCES: sequencesGiven = "10",
} = process.env;
const LENGTH = 40;
// For what a broker does after its answer; what it does at once is seen at once.
const SETTLE_MS = 5_000;

type Brokers = readonly [Broker, Broker];
type Difference = {
  readonly operation: Operation | "the topology";
  readonly rabbitmq: unknown;
  readonly embedded: unknown;
  readonly played: readonly Operation[];
};

const timeout = Math.max(300_000, Number(sequencesGiven) * 30_000);

test("both brokers are seen to do the same in any sequence of operations", { timeout }, async ({
  brokers,
}) => {
  const isModern = !isBefore(brokers[0].version, "4.3.0");
  const first = Number(seedGiven);
  console.log(`random sequences from WARREN_CONFORMANCE_SEED=${first} on`);
  for (let seed = first; seed < first + Number(sequencesGiven); seed++) {
    const sequence = randomSequence(createRandom(seed), LENGTH, isModern);
    const difference = await playTwice(brokers, sequence, isModern);
    if (difference !== undefined) {
      const least = await cutDown(brokers, sequence, difference, isModern);
      expect.fail(told(seed, sequence, least));
    }
  }
});

// A difference that does not come again is one of time, which no broker promises.
async function playTwice(brokers: Brokers, sequence: Sequence, isModern: boolean) {
  const difference = await play(brokers, sequence, isModern);
  if (difference === undefined) return undefined;
  console.log(`played again: ${inspect({ ...difference, played: undefined }, { depth: 6 })}`);
  return await play(brokers, { ...sequence, operations: difference.played }, isModern);
}

/** Plays on both in lock step, up to the first difference. */
async function play(
  brokers: Brokers,
  { topology, operations }: Sequence,
  isModern: boolean,
): Promise<Difference | undefined> {
  const vhost = nameVhost();
  return await withPeer(brokers[0], vhost, (rabbitmq) =>
    withPeer(brokers[1], vhost, async (embedded) => {
      const players = await Promise.all(
        [rabbitmq, embedded].map((peer) => openPlayer(peer, topology, isModern)),
      );
      for (const [at, operation] of ["the topology" as const, ...operations].entries()) {
        const seen = await seenAfter(players, operation, vhost);
        const played = operations.slice(0, at);
        if (seen !== undefined) return { operation, ...seen, played };
      }
      return undefined;
    }),
  );
}

/** What differs in the answers or, when all is quiet, in what is seen afterwards. */
async function seenAfter(
  players: readonly Player[],
  operation: Operation | "the topology",
  vhost: string,
) {
  const each = async (see: (player: Player) => Promise<unknown>) =>
    (await Promise.all(players.map((one) => see(one).catch(String)))).map((one) =>
      normalise(one, vhost),
    );
  if (operation !== "the topology") {
    const [rabbitmq, embedded] = await each((player) => player.play(operation));
    if (!isDeepStrictEqual(rabbitmq, embedded)) return { rabbitmq, embedded };
  }
  const deadline = performance.now() + SETTLE_MS;
  for (let last: unknown, same = 0; ; await delay(5)) {
    const [rabbitmq, embedded] = await each((player) => player.look());
    const isEqual = isDeepStrictEqual(rabbitmq, embedded);
    same = isEqual && isDeepStrictEqual(rabbitmq, last) ? same + 1 : 0;
    if (same >= 2) return undefined;
    last = rabbitmq;
    if (performance.now() > deadline) return { rabbitmq, embedded };
  }
}

/** Leaves out what does not matter, halves first, for as long as a minute. */
async function cutDown(
  brokers: Brokers,
  { topology }: Sequence,
  difference: Difference,
  isModern: boolean,
): Promise<Difference> {
  let least = difference;
  const deadline = performance.now() + 60_000;
  for (let size = Math.ceil(least.played.length / 2); size > 0; size = Math.floor(size / 2)) {
    for (let at = 0; at < least.played.length && performance.now() < deadline; ) {
      const operations = least.played.toSpliced(at, size);
      const found = await play(brokers, { topology, operations }, isModern);
      if (found === undefined) at += size;
      else least = found;
    }
  }
  return least;
}

function told(seed: number, { topology }: Sequence, least: Difference): string {
  const text = (value: unknown) => inspect(value, { depth: 8, breakLength: 160 });
  return [
    `WARREN_CONFORMANCE_SEED=${seed} WARREN_CONFORMANCE_SEQUENCES=1 repeats this`,
    `topology: ${text(topology)}`,
    `operations that are left of it:\n  ${least.played.map(text).join("\n  ")}`,
    `then rabbitmq: ${text(least.rabbitmq)}`,
    `but embedded:  ${text(least.embedded)}`,
  ].join("\n");
}
