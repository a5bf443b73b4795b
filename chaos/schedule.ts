/** Which faults a run has, and when: decided by the seed alone. */
import { createRandom, type Random } from "../test/support/random.ts";
import { brokerFaults } from "./broker-faults.ts";
import type { Fault, Lane } from "./fault.ts";
import { fileFaults } from "./file-faults.ts";
import { networkFaults } from "./network-faults.ts";
import { processFaults } from "./process-faults.ts";

export type Planned = {
  readonly fault: Fault;
  /** After the begin of the faults; later when the fault before it in its lane takes longer. */
  readonly atMs: number;
  /** Left out when it can't begin before this; null: never. */
  readonly latestMs: number | null;
};

/** The faults of a lane, in order. */
export type Schedule = Readonly<Record<Lane, readonly Planned[]>>;

export const FAULTS: readonly Fault[] = [
  ...networkFaults,
  ...brokerFaults,
  ...processFaults,
  ...fileFaults,
];

/** What every short run has, whatever the seed chooses besides. */
const ALWAYS = new Set(["CUT", "UNBIND", "KILL9", "SIGKILL", "SIGTERM", "RELOAD"]);
/** Too long beside the others, in a short run. */
const LONG = new Set(["FREEZE", "RESTART", "DISK", "SIGSTOP"]);
const LANES: readonly Lane[] = ["network", "broker", "process", "files"];

/** What has to be, and in each lane one more by choice of the seed, if there is time for it. */
export function shortSchedule(seed: number, seconds: number): Schedule {
  const random = randomOf(seed);
  return inLanes((lane) => {
    const ofLane = FAULTS.filter((fault) => fault.lane === lane);
    const always = ofLane.filter(({ name }) => ALWAYS.has(name));
    // The second cut costs nothing, and is one more chance to settle on the wrong channel.
    const again = ofLane.filter(({ name }) => name === "CUT");
    const others = ofLane.filter(({ name }) => !ALWAYS.has(name) && !LONG.has(name));
    const chosen = others.length === 0 ? [] : [random.pick(others)];
    const planned = spread(
      shuffled([...always, ...again, ...chosen], random),
      seconds * 1_000,
      random,
    );
    return planned.map((one) =>
      ALWAYS.has(one.fault.name) ? one : { ...one, latestMs: seconds * 1_000 },
    );
  });
}

/** Every fault at least twice, in two orders; more often when there is time for it. */
export function longSchedule(seed: number, seconds: number): Schedule {
  const random = randomOf(seed);
  const rounds = Math.max(2, Math.floor(seconds / 60));
  return inLanes((lane) => {
    const ofLane = FAULTS.filter((fault) => fault.lane === lane);
    const all = random.list(rounds, () => shuffled(ofLane, random)).flat();
    return spread(all, seconds * 1_000, random);
  });
}

/** Neighbouring seeds begin alike: they are spread first (Knuth's multiplicative hash). */
function randomOf(seed: number): Random {
  return createRandom(Math.imul(seed + 1, 2_654_435_761));
}

function inLanes(plan: (lane: Lane) => readonly Planned[]): Schedule {
  return Object.fromEntries(LANES.map((lane) => [lane, plan(lane)])) as Record<
    Lane,
    readonly Planned[]
  >;
}

function shuffled<T>(values: readonly T[], random: Random): T[] {
  return values
    .map((value) => ({ value, rank: random.below(1_000_000) }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ value }) => value);
}

/** One in each of as many equal parts of the time, somewhere in the first half of its part. */
function spread(faults: readonly Fault[], totalMs: number, random: Random): Planned[] {
  const partMs = totalMs / Math.max(1, faults.length);
  return faults.map((fault, index) => ({
    fault,
    latestMs: null,
    atMs: Math.round(index * partMs + random.below(Math.max(1, partMs / 2))),
  }));
}
